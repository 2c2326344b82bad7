package dapr

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"tandem"
)

// Deadlines of the sidecar's calls. The sidecar itself waits for ever on a timer.
const (
	topicDeadline = 5 * time.Second
	jobDeadline   = 15 * time.Second
	// jobWait is how long a timer's call is held when it failed: long enough for the health to stop the next ones first.
	jobWait = 10 * time.Second
	// drainLimit bounds how long calls under way may take when the process stops.
	drainLimit = 20 * time.Second
)

// CallbackOptions say what the sidecar's calls lead to.
type CallbackOptions struct {
	// Token must be shown on every call; empty: none is asked for.
	Token string
	// ShowsNoToken tells that the sidecar is too old to show the token, and is asked only when a call shows none at all. nil: it is not.
	ShowsNoToken func(context.Context) bool

	Subscriptions []Subscription
	// OnLetter takes dead letters; an error brings the letter again. nil: this app consumes none.
	OnLetter func(context.Context, Letter) error
	// OnTimer takes the call of a timer; an error brings it again. nil: this app sets none.
	OnTimer func(ctx context.Context, name string, payload json.RawMessage) error

	// Chat serves the chat turns that another app passes on. nil: none are taken.
	Chat http.Handler

	// SetAside keeps an event that a consumer cannot take; Client.SetAside does.
	SetAside func(ctx context.Context, pubsub string, topic tandem.Topic, consumer string, raw []byte, reason string) error
	// CountFailure counts that a consumer failed at an event, and gives how often it did. While the store cannot count, nothing is set aside.
	CountFailure func(ctx context.Context, consumer, eventID string) (failures int, err error)
	// Transient tells errors that have nothing to do with the event, besides those of the network, of deadlines, of the sidecar, and a
	// *tandem.Error that says when to ask again. nil: no others.
	Transient func(error) bool

	Health  *Health
	Log     *slog.Logger
	Metrics Metrics
	Trace   tandem.Tracer    // nil: calls belong to no trace
	Now     func() time.Time // nil: time.Now
}

// Callback is the server that the sidecar calls: events of topics, timers, health.
type Callback struct {
	pb.UnimplementedAppCallbackServer
	pb.UnimplementedAppCallbackAlphaServer
	pb.UnimplementedAppCallbackHealthCheckServer

	o      CallbackOptions
	topics map[string][]Subscription
	server *grpc.Server
}

// NewCallback makes the server. Serve must run before the sidecar starts: it connects once at its start.
func NewCallback(o CallbackOptions) *Callback {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Callback{o: o, topics: map[string][]Subscription{}}
	for _, s := range o.Subscriptions {
		c.topics[string(s.Topic)] = append(c.topics[string(s.Topic)], s)
	}
	c.server = grpc.NewServer(
		grpc.StatsHandler(otelgrpc.NewServerHandler()),
		grpc.ChainUnaryInterceptor(c.guard),
		grpc.UnknownServiceHandler(c.unknown),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
	)
	pb.RegisterAppCallbackServer(c.server, c)
	pb.RegisterAppCallbackAlphaServer(c.server, c)
	pb.RegisterAppCallbackHealthCheckServer(c.server, c)
	return c
}

// Serve answers calls on the listener, which should be of the loopback, until ctx ends; then it lets the calls under way end.
func (c *Callback) Serve(ctx context.Context, l net.Listener) error {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		c.drain()
	})
	err := c.server.Serve(l)
	if stop() { // it ended by itself
		c.server.Stop()
		return fmt.Errorf("serve the sidecar's calls: %w", err)
	}
	<-stopped
	return nil
}

func (c *Callback) drain() {
	hard := time.AfterFunc(drainLimit, c.server.Stop)
	defer hard.Stop()
	c.server.GracefulStop()
}

// guard checks the token of every call, keeps a panic inside it, and lets no status out that the sidecar takes for "done".
func (c *Callback) guard(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (res any, err error) {
	if err := c.authorize(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			c.o.Log.ErrorContext(ctx, "callback panicked", "method", info.FullMethod, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "panic")
		}
	}()
	res, err = handle(c.o.Trace.In(ctx), req)
	return res, sealed(err)
}

// sealed keeps the two codes in that mean success to the sidecar: on NotFound a timer is deleted, on Unimplemented an event is dropped.
func sealed(err error) error {
	switch status.Code(err) {
	case codes.NotFound, codes.Unimplemented:
		return status.Error(codes.Internal, err.Error())
	default:
		return err
	}
}

func (c *Callback) authorize(ctx context.Context) error {
	if c.o.Token == "" {
		return nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	switch shown := md.Get(tokenHeader); {
	case len(shown) == 1 && subtle.ConstantTimeCompare([]byte(shown[0]), []byte(c.o.Token)) == 1:
		return nil
	case len(shown) == 0 && c.o.ShowsNoToken != nil && c.o.ShowsNoToken(ctx):
		return nil
	}
	return status.Error(codes.Unauthenticated, "a token is required")
}

// unknown answers methods of newer sidecars.
func (c *Callback) unknown(_ any, stream grpc.ServerStream) error {
	if err := c.authorize(stream.Context()); err != nil {
		return err
	}
	return status.Error(codes.Internal, "no such method")
}

// HealthCheck tells the sidecar whether it may deliver.
func (c *Callback) HealthCheck(context.Context, *emptypb.Empty) (*pb.HealthCheckResponse, error) {
	if err := c.o.Health.Check(); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return &pb.HealthCheckResponse{}, nil
}

// ListTopicSubscriptions names none: subscriptions are files.
func (c *Callback) ListTopicSubscriptions(context.Context, *emptypb.Empty) (*pb.ListTopicSubscriptionsResponse, error) {
	return &pb.ListTopicSubscriptionsResponse{}, nil
}

// ListInputBindings names none.
func (c *Callback) ListInputBindings(context.Context, *emptypb.Empty) (*pb.ListInputBindingsResponse, error) {
	return &pb.ListInputBindingsResponse{}, nil
}

// errNotServed answers calls that no file of ours asks for.
var errNotServed = status.Error(codes.FailedPrecondition, "not served by this app")

// OnBindingEvent refuses: there are no bindings.
func (c *Callback) OnBindingEvent(context.Context, *pb.BindingEventRequest) (*pb.BindingEventResponse, error) {
	return nil, errNotServed
}

// OnBulkTopicEventAlpha1 refuses: events come one by one.
func (c *Callback) OnBulkTopicEventAlpha1(context.Context, *pb.TopicEventBulkRequest) (*pb.TopicEventBulkResponse, error) {
	return nil, errNotServed
}

// OnJobEventAlpha1 takes the call of a timer.
func (c *Callback) OnJobEventAlpha1(ctx context.Context, r *pb.JobEventRequest) (*pb.JobEventResponse, error) {
	if c.o.OnTimer == nil {
		c.o.Log.ErrorContext(ctx, "timer of another app", "job", r.GetName())
		return nil, errNotServed
	}
	held, release := context.WithTimeout(ctx, jobWait)
	defer release()
	ctx, cancel := context.WithTimeout(ctx, jobDeadline)
	defer cancel()
	if err := c.o.OnTimer(ctx, r.GetName(), r.GetData().GetValue()); err != nil {
		c.o.Log.WarnContext(ctx, "timer will call again", "job", r.GetName(), "err", err)
		<-held.Done()
		return nil, status.Error(codes.Unavailable, "the timer's work failed")
	}
	return &pb.JobEventResponse{}, nil
}

// transient tells an error of infrastructure from one of the event.
func (c *Callback) transient(err error) bool {
	if c.o.Transient != nil && c.o.Transient(err) || c.o.Health.StoreDown() {
		return true
	}
	if e, ok := errors.AsType[*tandem.Error](err); ok && e.Details.RetryMS > 0 {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if s, ok := status.FromError(err); ok && s.Code() != codes.Unknown { // only the sidecar speaks gRPC
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, errInfrastructure)
}
