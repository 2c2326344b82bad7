package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tandem"
	"tandem/server/auth"
)

// Threads is what the ChatKit protocol reads and changes of conversations.
type Threads interface {
	Conversation(ctx context.Context, user tandem.UserID, number int64) (tandem.Conversation, error)
	// Conversations gives those behind the number after (0: from the beginning), in the order of numbers or against it, and
	// whether there are more.
	Conversations(ctx context.Context, user tandem.UserID, after int64, limit int, desc bool) ([]tandem.Conversation, bool, error)
	// History gives the messages before the named one (empty: the newest), oldest first, without hidden ones.
	History(ctx context.Context, user tandem.UserID, conv int64, before string, limit int) ([]tandem.Message, bool, error)
	Approval(ctx context.Context, user tandem.UserID, id string) (tandem.Approval, error)
	PendingApprovals(ctx context.Context, user tandem.UserID, conv int64) ([]tandem.Approval, error)
	AddMessage(ctx context.Context, user tandem.UserID, cause tandem.Cause, m tandem.Message) (tandem.Message, error)
	Set(ctx context.Context, user tandem.UserID, e tandem.SetEdit) (tandem.Outcome, error)
}

// Actions does what a person's own hand does on a task.
type Actions func(ctx context.Context, p auth.Principal, tool string, args json.RawMessage) (json.RawMessage, error)

// chatKitKinds are the prefixes by which a body of the protocol is told from a native one.
var chatKitKinds = []string{"threads.", "items.", "input.", "attachments."}

func isChatKit(body map[string]json.RawMessage) bool {
	var kind string
	if json.Unmarshal(body["type"], &kind) != nil {
		return false
	}
	return slices.ContainsFunc(chatKitKinds, func(prefix string) bool { return strings.HasPrefix(kind, prefix) })
}

// kit is one request of the ChatKit protocol.
type kit struct {
	*Server
	w      http.ResponseWriter
	r      *http.Request
	p      auth.Principal
	params map[string]json.RawMessage
}

// chatKitVerbs answer the requests by type. An error comes before anything was answered.
var chatKitVerbs = map[string]func(*kit) error{
	"threads.create":                 (*kit).createThread,
	"threads.add_user_message":       (*kit).addUserMessage,
	"threads.add_client_tool_output": (*kit).addClientToolOutput,
	"threads.add_structured_input":   (*kit).addStructuredInput,
	"threads.retry_after_item":       (*kit).retryAfterItem,
	"threads.custom_action":          (*kit).customAction,
	"threads.sync_custom_action":     (*kit).syncCustomAction,
	"threads.get_by_id":              (*kit).getThread,
	"threads.list":                   (*kit).listThreads,
	"threads.update":                 (*kit).updateThread,
	"threads.delete":                 (*kit).deleteThread,
	"items.list":                     (*kit).listItems,
	"items.feedback":                 (*kit).feedback,
	"attachments.create":             (*kit).unsupported,
	"attachments.delete":             (*kit).empty,
	"input.transcribe":               (*kit).unsupported,
}

func (s *Server) chatKit(w http.ResponseWriter, r *http.Request, p auth.Principal, body map[string]json.RawMessage) {
	k := &kit{Server: s, w: w, r: r, p: p, params: map[string]json.RawMessage{}}
	err := checkUser(p.User, body)
	if err == nil {
		err = decode(body, "params", &k.params)
	}
	var kind string
	if err == nil {
		err = decode(body, "type", &kind)
	}
	if err == nil {
		verb, ok := chatKitVerbs[kind]
		if !ok {
			err = tandem.Invalid("type", kind, "There is no request of this type.")
		} else {
			err = verb(k)
		}
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

func (k *kit) ctx() context.Context { return k.r.Context() }

// answer sends a plain answer.
func (k *kit) answer(v any) error {
	writeJSON(k.w, http.StatusOK, v)
	return nil
}

func (k *kit) empty() error { return k.answer(struct{}{}) }

// unsupported answers what Tandem does not keep: files and voice.
func (k *kit) unsupported() error {
	writeJSON(k.w, http.StatusUnprocessableEntity, kitError("Attachments and voice are not supported."))
	return nil
}

// thread gives the conversation that the request names.
func (k *kit) thread() (tandem.Conversation, error) {
	var id string
	if err := decode(k.params, "thread_id", &id); err != nil {
		return tandem.Conversation{}, err
	}
	number, err := threadNumber(id)
	if err != nil {
		return tandem.Conversation{}, err
	}
	return k.ChatKit.Conversation(k.ctx(), k.p.User, number)
}

const threadPrefix = "thr_"

func threadID(number int64) string { return threadPrefix + strconv.FormatInt(number, 10) }

func threadNumber(id string) (int64, error) {
	digits, ok := strings.CutPrefix(id, threadPrefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 || threadID(n) != id {
		return 0, tandem.NotFound("thread_id", id, "thread")
	}
	return n, nil
}

// getThread answers with a thread and its first items.
func (k *kit) getThread() error {
	conv, err := k.thread()
	if err != nil {
		return err
	}
	items, err := k.page(conv.Number, pageRequest{limit: kitPage})
	if err != nil {
		return err
	}
	t := threadOf(conv)
	t.Items = items
	return k.answer(t)
}

// kitPage is the size of a page where the request names none.
const kitPage = 20

// pageRequest is the wanted part of a list.
type pageRequest struct {
	limit int
	desc  bool
	after string
}

func (k *kit) readPage() (pageRequest, error) {
	q := pageRequest{limit: kitPage}
	order := "desc"
	if err := decode(k.params, "limit", &q.limit); err != nil {
		return q, err
	}
	if err := decode(k.params, "order", &order); err != nil {
		return q, err
	}
	if orders := []string{"asc", "desc"}; !slices.Contains(orders, order) {
		return q, tandem.NotOneOf("order", order, orders)
	}
	q.limit, q.desc = min(max(q.limit, 1), tandem.MaxLimit), order == "desc"
	return q, decode(k.params, "after", &q.after)
}

func (k *kit) listThreads() error {
	q, err := k.readPage()
	if err != nil {
		return err
	}
	after := int64(0)
	if q.after != "" {
		if after, err = threadNumber(q.after); err != nil {
			return err
		}
	}
	list, more, err := k.ChatKit.Conversations(k.ctx(), k.p.User, after, q.limit, q.desc)
	if err != nil {
		return err
	}
	page := kitList[kitThread]{Data: make([]kitThread, len(list)), HasMore: more}
	for i, conv := range list {
		page.Data[i] = threadOf(conv)
	}
	if more {
		page.After = threadID(list[len(list)-1].Number)
	}
	return k.answer(page)
}

// maxThreadTitle bounds a thread's title, in characters.
const maxThreadTitle = 200

func (k *kit) updateThread() error {
	conv, err := k.thread()
	if err != nil {
		return err
	}
	var title string
	if err := decode(k.params, "title", &title); err != nil {
		return err
	}
	title = strings.TrimSpace(title)
	if n := utf8.RuneCountInString(title); n == 0 || n > maxThreadTitle {
		return tandem.Invalid("title", n, "A title has 1 to %d characters.", maxThreadTitle)
	}
	if err := k.set(map[int64]*string{conv.Number: &title}); err != nil {
		return err
	}
	conv.Title = title
	return k.answer(threadOf(conv))
}

func (k *kit) deleteThread() error {
	conv, err := k.thread()
	if err != nil {
		return err
	}
	if err := k.set(map[int64]*string{conv.Number: nil}); err != nil {
		return err
	}
	return k.empty()
}

func (k *kit) set(conversations map[int64]*string) error {
	_, err := k.ChatKit.Set(k.ctx(), k.p.User, tandem.SetEdit{Cause: k.cause(), Conversations: conversations})
	return err
}

func (k *kit) cause() tandem.Cause { return tandem.Cause{Actor: tandem.ActorUser, Caller: "chatkit"} }

func (k *kit) listItems() error {
	conv, err := k.thread()
	if err != nil {
		return err
	}
	q, err := k.readPage()
	if err != nil {
		return err
	}
	page, err := k.page(conv.Number, q)
	if err != nil {
		return err
	}
	return k.answer(page)
}

// feedback is taken and not kept.
func (k *kit) feedback() error {
	if _, err := k.thread(); err != nil {
		return err
	}
	return k.empty()
}

// addClientToolOutput answers what no thread of ours waits for.
func (k *kit) addClientToolOutput() error {
	if _, err := k.thread(); err != nil {
		return err
	}
	newEventStream(k.w).event("", kitError("No client tool call is pending."))
	return nil
}
