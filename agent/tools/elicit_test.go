package tools

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"tandem"
)

// led is a program whose client can lead its person to the page.
type led struct {
	user
	session *mcp.ClientSession
	asked   []*mcp.ElicitParams
}

// lead connects a client that answers as told; before runs when it is asked.
func lead(t *testing.T, u user, caps *mcp.ElicitationCapabilities, action string, before func(approval string)) *led {
	t.Helper()
	l := &led{user: u}
	l.session = connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{Elicitation: caps},
		ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			l.asked = append(l.asked, r.Params)
			pending, err := u.db.PendingApprovals(t.Context(), u.caller.User, 0)
			if err == nil && len(pending) > 0 && before != nil {
				before(pending[0].ID)
			}
			return &mcp.ElicitResult{Action: action}, err
		},
	})
	return l
}

var (
	byForm = &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{}}
	byURL  = &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{}, URL: &mcp.URLElicitationCapabilities{}}
)

func outcome(res *mcp.CallToolResult) string {
	data, _ := res.StructuredContent.(m)
	if code, _ := data["error"].(string); code != "" {
		return code
	}
	status, _ := data["status"].(string)
	return status
}

// TestElicit_TheClientsAnswerIsNoYes tells who decides: the record, whatever the client says.
func TestElicit_TheClientsAnswerIsNoYes(t *testing.T) {
	yes, no := true, false
	for name, tc := range map[string]struct {
		action  string
		decided *bool
		want    string
		pending int
	}{
		"accepted, not decided": {"accept", nil, "needs_approval", 1},
		"accepted, yes":         {"accept", &yes, "deleted", 0},
		"accepted, no":          {"accept", &no, "forbidden", 0},
		"declined":              {"decline", nil, "forbidden", 0},
		"declined after a yes":  {"decline", &yes, "deleted", 0},
		"cancelled":             {"cancel", nil, "needs_approval", 1},
	} {
		for mode, caps := range map[string]*mcp.ElicitationCapabilities{"form": byForm, "url": byURL} {
			t.Run(name+" by "+mode, func(t *testing.T) {
				u := newBench(t, func(o *Options) { o.PublicURL = "https://todo.example.com" }).program("ann")
				u.add("One", "Two")
				l := lead(t, u, caps, tc.action, func(id string) {
					if tc.decided != nil {
						u.decide(id, *tc.decided)
					}
				})
				res := callOver(t, l.session, DeleteTask, m{"ids": []any{1, 2}})
				same(t, "outcome", outcome(res), tc.want)
				pending, err := u.db.PendingApprovals(t.Context(), "ann", 0)
				if err != nil {
					t.Fatal(err)
				}
				same(t, "questions left", len(pending), tc.pending)
				same(t, "asked once", len(l.asked), 1)
				same(t, "names the tasks", strings.Contains(l.asked[0].Message, "One"), true)
				if mode == "url" {
					same(t, "page", l.asked[0].URL, "https://todo.example.com/today")
				}
			})
		}
	}
}

func TestElicit_WaitsWhileThePersonLooks(t *testing.T) {
	c := channel{make(chan func(tandem.Signal), 1), make(chan struct{})}
	u := newBench(t, func(o *Options) { o.Watch = c.watch }).program("ann")
	u.add("One", "Two")
	var id string
	l := lead(t, u, byForm, "accept", func(approval string) { id = approval })
	go func() {
		tell := <-c.joined
		tell(tandem.Signal{Head: 3}) // something else
		u.decide(id, true)
		tell(tandem.Signal{Head: 4})
	}()
	same(t, "outcome", outcome(callOver(t, l.session, DeleteTask, m{"ids": []any{1, 2}})), "deleted")
	<-c.left
}

func TestElicit_EndsWithTheCredential(t *testing.T) {
	settings := func(row string) tandem.Signal {
		return tandem.Signal{Delta: &tandem.Delta{Changes: []tandem.Change{{Kind: tandem.KindSettings, Row: json.RawMessage(row)}}}}
	}
	for name, signals := range map[string][]tandem.Signal{
		"signed out everywhere": {{Control: tandem.ControlRevoke}},
		"token revoked":         {settings(`{"tokens":[{"id":"mine"},{"id":"other"}]}`), settings(`{"tokens":[{"id":"other"}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			c := channel{make(chan func(tandem.Signal), 1), make(chan struct{})}
			u := newBench(t, func(o *Options) { o.Watch = c.watch }).program("ann")
			u.caller.Token = "mine"
			u.add("One", "Two")
			l := lead(t, u, byForm, "accept", nil)
			go func() {
				tell := <-c.joined
				for _, s := range signals {
					tell(s)
				}
			}()
			same(t, "outcome", outcome(callOver(t, l.session, DeleteTask, m{"ids": []any{1, 2}})), "forbidden")
		})
	}
}

func TestServe_SubscriptionEndsWhenTheTokenIsRevoked(t *testing.T) {
	c := channel{make(chan func(tandem.Signal), 1), make(chan struct{})}
	u := newBench(t, func(o *Options) { o.Watch = c.watch }).program("ann")
	u.caller.Token = "mine"
	session := connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, nil)
	if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: "tandem://tasks"}); err != nil {
		t.Fatal(err)
	}
	tell := <-c.joined
	tell(tandem.Signal{Delta: &tandem.Delta{Changes: []tandem.Change{{Kind: tandem.KindSettings, Row: json.RawMessage(`{"tokens":[]}`)}}}})
	<-c.left
}

func TestElicit_OnlyWhereItIsSupported(t *testing.T) {
	u := newBench(t).program("ann")
	u.add("One", "Two")
	onlyURL := &mcp.ElicitationCapabilities{URL: &mcp.URLElicitationCapabilities{}}
	for name, caps := range map[string]*mcp.ElicitationCapabilities{"none": nil, "an address that nobody has": onlyURL} {
		t.Run(name, func(t *testing.T) {
			session := connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, &mcp.ClientOptions{
				Capabilities: &mcp.ClientCapabilities{Elicitation: caps},
			})
			same(t, "outcome", outcome(callOver(t, session, DeleteTask, m{"ids": []any{1, 2}})), "needs_approval")
		})
	}
}

// TestElicit_StatesOfOtherCalls brings states back that are not of the call.
func TestElicit_StatesOfOtherCalls(t *testing.T) {
	b := newBench(t)
	u, bob := b.program("ann"), b.program("bob")
	u.add("One", "Two", "Three")
	bob.add("His", "Too")
	own := u.asked(DeleteTask, m{"ids": []any{1, 2}})
	his := bob.asked(DeleteTask, m{"ids": []any{1, 2}})
	u.decide(own.ID, true)
	session := connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, nil)
	for name, tc := range map[string]struct {
		tool, state, want string
		args              m
	}{
		"no question":        {DeleteTask, tandem.NewID(), "forbidden", m{"ids": []any{1, 2}}},
		"garbage":            {DeleteTask, "../../x", "forbidden", m{"ids": []any{1, 2}}},
		"another person's":   {DeleteTask, his.ID, "forbidden", m{"ids": []any{1, 2}}},
		"of another tool":    {UpdateTask, own.ID, "forbidden", m{"ids": []any{1, 2}, "title": "x"}},
		"of other arguments": {DeleteTask, own.ID, "needs_approval", m{"ids": []any{1, 2, 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tc.tool, Arguments: tc.args, RequestState: tc.state})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "outcome", outcome(res), tc.want)
		})
	}
	if left := u.rows(m{}); len(left) != 3 || slices.ContainsFunc(left, func(r m) bool { return r["status"] != "pending" }) {
		t.Errorf("tasks %v", left)
	}
}

// TestElicit_AProgramTakesBackOnlyItsOwnQuestion lets another program of the person decline the same question.
func TestElicit_AProgramTakesBackOnlyItsOwnQuestion(t *testing.T) {
	u := newBench(t).program("ann")
	u.add("One", "Two")
	asked := u.asked(DeleteTask, m{"ids": []any{1, 2}})
	other := u
	other.caller.Cause.Caller = "token:other"
	l := lead(t, other, byForm, "decline", nil)
	same(t, "outcome", outcome(callOver(t, l.session, DeleteTask, m{"ids": []any{1, 2}})), "needs_approval")
	a, err := u.db.Approval(t.Context(), "ann", asked.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "decision", a.Decision, tandem.Decision(""))
}
