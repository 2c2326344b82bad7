package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"tandem"
)

// The addresses of resources.
const (
	tasksURI = "tandem://tasks"
	todayURI = "tandem://today"
	taskURI  = "tandem://tasks/{uid}"
)

// The lists behind the resources, as arguments of list_tasks.
var resourceLists = map[string]json.RawMessage{
	tasksURI: json.RawMessage(`{"status":"pending","sort_by":"due_date","limit":100}`),
	todayURI: json.RawMessage(`{"status":"pending","due_to":"today","sort_by":"due_date","limit":100}`),
}

// The descriptions are shared by all servers: compiling the template costs more than the rest of one.
var (
	tasksResource = mcp.NewResource(tasksURI, "Open tasks", mcp.WithMIMEType("application/json"),
		mcp.WithResourceDescription("All open tasks, by due date."))
	todayResource = mcp.NewResource(todayURI, "Today", mcp.WithMIMEType("application/json"),
		mcp.WithResourceDescription("Open tasks that are due today or overdue."))
	taskTemplate = mcp.NewResourceTemplate(taskURI, "One task", mcp.WithTemplateMIMEType("application/json"),
		mcp.WithTemplateDescription("A task by its uid or number, with who set each field."))
)

func (tb *Toolbox) addResources(srv *server.MCPServer, c Caller) {
	read := func(ctx context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return tb.resource(ctx, c, r.Params.URI)
	}
	srv.AddResource(tasksResource, read)
	srv.AddResource(todayResource, read)
	srv.AddResourceTemplate(taskTemplate, read)
}

// resource reads one address with the rights of the caller.
func (tb *Toolbox) resource(ctx context.Context, c Caller, uri string) ([]mcp.ResourceContents, error) {
	args, ok := resourceLists[uri]
	name, one := strings.CutPrefix(uri, tasksURI+"/")
	if !ok && one {
		b, err := json.Marshal(map[string][]string{"ids": {name}})
		if err != nil {
			return nil, fmt.Errorf("encode an id: %w", err)
		}
		args = b
	}
	res, err := tb.Call(ctx, c, ListTasks, args)
	if err != nil {
		return nil, err
	}
	text := string(res.Structured)
	if one {
		if text, err = onlyTask(res.Structured, name); err != nil {
			return nil, err
		}
	}
	return []mcp.ResourceContents{mcp.TextResourceContents{URI: uri, MIMEType: "application/json", Text: text}}, nil
}

// onlyTask gives the one task of a list.
func onlyTask(structured json.RawMessage, name string) (string, error) {
	var l struct {
		Tasks []json.RawMessage `json:"tasks"`
	}
	if err := json.Unmarshal(structured, &l); err != nil {
		return "", fmt.Errorf("decode a list: %w", err)
	}
	if len(l.Tasks) != 1 {
		return "", tandem.NotFound("uri", name, "task")
	}
	return string(l.Tasks[0]), nil
}

// prompts are what a person can start with; each comes with the list that it is about.
var prompts = []struct{ name, title, description, text, uri string }{
	{
		"plan_my_day", "Plan my day", "Go through what is due and make a plan for today.",
		"Here are my open tasks that are due today or overdue. Propose an order for my day with a short reason for each task. " +
			"Ask me before you move, complete or delete anything.", todayURI,
	},
	{
		"weekly_review", "Weekly review", "Look back at the week and ahead to the next one.",
		"Here are my open tasks. Do a weekly review with me: list what I completed this week (list_tasks with status completed), point out " +
			"what is overdue, what has no date, and what looks stale, and ask me about each before you change anything.", tasksURI,
	},
}

func (tb *Toolbox) addPrompts(srv *server.MCPServer, c Caller) {
	for _, p := range prompts {
		srv.AddPrompt(mcp.Prompt{Name: p.name, Title: p.title, Description: p.description},
			func(ctx context.Context, _ mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
				contents, err := tb.resource(ctx, c, p.uri)
				if err != nil {
					return nil, err
				}
				return mcp.NewGetPromptResult(p.description, []mcp.PromptMessage{
					mcp.NewPromptMessage(mcp.RoleUser, mcp.NewTextContent(p.text)),
					mcp.NewPromptMessage(mcp.RoleUser, mcp.NewEmbeddedResource(contents[0])),
				}), nil
			})
	}
}
