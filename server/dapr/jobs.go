package dapr

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dapr/go-sdk/client"
	"google.golang.org/protobuf/types/known/anypb"
)

// The failure policy of a timer whose call fails. Without one the scheduler gives up after three seconds. Attempts are counted from the
// time at which the timer was due, so one that is long overdue has used them up: the sweep of the rows is the guarantee.
const (
	jobRetryEvery = 10 * time.Second
	jobRetries    = uint32(30)
)

// At sets the timer of a name; a name set again is moved. A time that has passed fires at once. The call comes back to the callback
// server of any process of this app.
func (c *Client) At(ctx context.Context, name string, at time.Time, payload json.RawMessage) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	// In UTC with its Z: without a zone the scheduler's own would count.
	due, retries, every := at.UTC().Format(time.RFC3339Nano), jobRetries, jobRetryEvery
	err := c.sdk.ScheduleJobAlpha1(ctx, &client.Job{
		Name: name, DueTime: &due, Overwrite: true, Data: &anypb.Any{Value: payload},
		FailurePolicy: &client.JobFailurePolicyConstant{MaxRetries: &retries, Interval: &every},
	})
	if err != nil {
		return fmt.Errorf("schedule job %s: %w", name, err)
	}
	return nil
}

// Cancel drops the timer of a name, if there is one. A call that is under way is not stopped.
func (c *Client) Cancel(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	if err := c.sdk.DeleteJobAlpha1(ctx, name); err != nil {
		return fmt.Errorf("delete job %s: %w", name, err)
	}
	return nil
}
