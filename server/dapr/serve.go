package dapr

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	commonpb "github.com/dapr/dapr/pkg/proto/common/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"tandem"
)

// headerPrefix is what the sidecar puts before the names of well-known HTTP headers.
const headerPrefix = "dapr-"

// passedOn are the headers of a call that its handler sees. The others are the sidecars' own.
var passedOn = []string{
	"Authorization", "Content-Type", "Accept", "Accept-Language", "User-Agent", idempotencyKey, "Origin", "Traceparent", "Last-Event-Id",
}

// OnInvoke serves a call of another app: only POST /api/{user}/chat, whatever the sidecar's access list says, as that ignores the
// letters' case and is not asked by the own sidecar. The handler checks the caller's bearer token as on every other road.
func (c *Callback) OnInvoke(ctx context.Context, r *commonpb.InvokeRequest) (*commonpb.InvokeResponse, error) {
	req, err := httpRequest(ctx, r)
	if err != nil || c.o.Chat == nil {
		return nil, status.Error(codes.PermissionDenied, "not served by this app")
	}
	answer := &answer{header: http.Header{}, code: http.StatusOK}
	c.o.Chat.ServeHTTP(answer, req)
	md := metadata.MD{}
	for key, values := range answer.header {
		if key != "Content-Type" && key != "Content-Length" {
			md.Append(strings.ToLower(key), values...)
		}
	}
	md.Set(strings.ToLower(statusHeader), strconv.Itoa(answer.code))
	if err := grpc.SetHeader(ctx, md); err != nil {
		return nil, status.Error(codes.Internal, "the answer has no way back")
	}
	return &commonpb.InvokeResponse{Data: &anypb.Any{Value: answer.body.Bytes()}, ContentType: answer.header.Get("Content-Type")}, nil
}

// httpRequest makes the request that the caller sent.
func httpRequest(ctx context.Context, r *commonpb.InvokeRequest) (*http.Request, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if id := one(md, traceHeader); tandem.ValidTrace(id) {
		ctx = tandem.Trace{ID: id}.In(ctx)
	}
	target := &url.URL{RawQuery: r.GetHttpExtension().GetQuerystring()}
	path := "/" + strings.TrimPrefix(r.GetMethod(), "/")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, err
	}
	target.Path, target.RawPath = plain, path
	parts := strings.Split(path, "/")
	if r.GetHttpExtension().GetVerb() != commonpb.HTTPExtension_POST || len(parts) != 4 || parts[1] != "api" || parts[2] == "" || parts[3] != "chat" {
		return nil, errNotServed
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(r.GetData().GetValue()))
	if err != nil {
		return nil, err
	}
	for _, name := range passedOn {
		key := strings.ToLower(name)
		if value := one(md, headerPrefix+key, key); value != "" {
			req.Header.Set(name, value)
		}
	}
	if r.GetContentType() != "" {
		req.Header.Set("Content-Type", r.GetContentType())
	}
	req.RequestURI = target.RequestURI()
	req.Host = "localhost" // it comes from the sidecar beside; whoever called the front has been asked for its name there
	req.RemoteAddr = net.JoinHostPort(one(md, clientHeader), "0")
	return req, nil
}

// one gives the first value under the first of the keys that has one.
func one(md metadata.MD, keys ...string) string {
	for _, key := range keys {
		if values := md.Get(key); len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// answer collects what a handler writes.
type answer struct {
	header http.Header
	code   int
	wrote  bool
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if !a.wrote {
		a.code, a.wrote = code, true
	}
}

func (a *answer) Write(data []byte) (int, error) {
	a.wrote = true
	return a.body.Write(data)
}
