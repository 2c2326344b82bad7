package dapr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"github.com/dapr/go-sdk/client"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"tandem"
)

// tokenHeader names the token of either direction.
const tokenHeader = "dapr-api-token"

// maxMessage bounds a message between this process and its sidecar. The sidecar is started with the same bound.
const maxMessage = 8 << 20

// Deadlines of a call, by kind. A sidecar that lost its scheduler or its store would otherwise hold the caller for up to 30 s.
const (
	publishTimeout = 10 * time.Second
	stateTimeout   = 500 * time.Millisecond
	jobTimeout     = 2 * time.Second
	secretTimeout  = 5 * time.Second
	askTimeout     = time.Second
)

// Metrics counts; nil fields are not called.
type Metrics struct {
	Delivered  func(topic tandem.Topic, consumer string, age time.Duration) // an event was taken
	DeadLetter func(topic tandem.Topic, consumer string)                    // an event was set aside
	CacheMiss  func(failed bool)                                            // failed: the store did not answer
}

// Options say where the sidecar is.
type Options struct {
	GRPC    string // address of its gRPC API, host:port
	HTTP    string // address of its HTTP API, host:port
	Token   string // shown on every call; empty: none
	Log     *slog.Logger
	Metrics Metrics
	Now     func() time.Time // nil: time.Now
}

// Client calls the sidecar beside this process. It may be used by any number of goroutines.
type Client struct {
	conn    *grpc.ClientConn
	sdk     client.Client
	http    *http.Client
	o       Options
	version versionCache
	shaky   topicSet // where the last publication failed
}

// Dial makes a client. It connects when it is first used, and again whenever the sidecar comes back: see WaitReady.
func Dial(o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	conn, err := grpc.NewClient(
		"passthrough:///"+o.GRPC,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // loopback
		grpc.WithNoProxy(),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()),
		grpc.WithChainUnaryInterceptor(showToken(o.Token)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		// The default waits up to two minutes between attempts, long after a restarted sidecar is there again.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("dial the sidecar at %s: %w", o.GRPC, err)
	}
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: askTimeout}).DialContext,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second,
	}
	return &Client{conn: conn, sdk: client.NewClientWithConnection(conn), http: &http.Client{Transport: transport}, o: o}, nil
}

// Close ends the connection. Calls under way fail.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return c.conn.Close()
}

// showToken adds the token to what a call carries already; the SDK's own interceptor would replace the trace.
func showToken(token string) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, tokenHeader, token)
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
}

// Ready fails while the sidecar's components are not up.
func (c *Client) Ready(ctx context.Context) error {
	return c.askHealth(ctx, "/v1.0/healthz/outbound")
}

// Outlived tells whether the sidecar has had another process of this app before this one. It is asked before this one listens: without an
// app a new sidecar is not complete.
func (c *Client) Outlived(ctx context.Context) bool { return c.askHealth(ctx, "/v1.0/healthz") == nil }

func (c *Client) askHealth(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.o.HTTP+path, nil)
	if err != nil {
		return fmt.Errorf("ask the sidecar's health: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the sidecar's health: %w", err)
	}
	if err := res.Body.Close(); err != nil {
		return fmt.Errorf("ask the sidecar's health: %w", err)
	}
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the sidecar is not ready: status %d", res.StatusCode)
	}
	return nil
}

// readyEvery is how often WaitReady asks.
const readyEvery = 100 * time.Millisecond

// WaitReady blocks until the sidecar is ready or ctx ends.
func (c *Client) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		err := c.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Runtime is the version of the sidecar, such as 1.16.14.
func (c *Client) Runtime(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	m, err := c.sdk.GrpcClient().GetMetadata(ctx, &pb.GetMetadataRequest{})
	if err != nil {
		return "", fmt.Errorf("ask the sidecar's version: %w", err)
	}
	return m.GetRuntimeVersion(), nil
}

// showsToken is the first version that shows the app's token on gRPC callbacks.
var showsToken = [3]int{1, 16, 2}

// tokenless tells whether a sidecar of this version shows no token on callbacks. A version that cannot be read shows one.
func tokenless(version string) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) != len(showsToken) {
		return false
	}
	for i, part := range parts {
		digits, _, _ := strings.Cut(part, "-")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return false
		}
		if n != showsToken[i] {
			return n < showsToken[i]
		}
	}
	return false
}
