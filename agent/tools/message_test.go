package tools

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestReadable(t *testing.T) {
	long := "1" + strings.Repeat("0", 400)
	for in, want := range map[string]string{
		`{"a":1e400,"b":[-1e999,2]}`:       `{"a":{"number":"1e400"},"b":[{"number":"-1e999"},2]}`,
		`{"a":` + long + `}`:               `{"a":{"number":"` + long + `"}}`,
		`{"a":"1e400 \" 1e400","b":1e400}`: `{"a":"1e400 \" 1e400","b":{"number":"1e400"}}`,
		`{"a":1e300,"a":1e-400}`:           `{"a":1e300,"a":1e-400}`,
		`{"a":"1e400`:                      `{"a":"1e400`,
		`1e400`:                            `{"number":"1e400"}`,
		``:                                 ``,
	} {
		same(t, in, string(readable([]byte(in))), want)
	}
}

func FuzzReadable(f *testing.F) {
	for _, seed := range []string{`{"a":1e400}`, `{"a":"\\","b":-1E+999}`, `[1e400,"`, `1e400-`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var v any
		fine := json.Unmarshal([]byte(in), &v) == nil
		out := readable([]byte(in))
		if fine && string(out) != in {
			t.Errorf("%q became %q", in, out)
		}
		if json.Valid([]byte(in)) && json.Unmarshal(out, &v) != nil {
			t.Errorf("%q became %q, which is not readable", in, out)
		}
	})
}

// TestHugeNumbers_AreTheToolsToRefuse sends numbers beyond any float64 through every door.
func TestHugeNumbers_AreTheToolsToRefuse(t *testing.T) {
	b := newBench(t)
	u := b.program("ann")
	over := connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, nil)
	k, err := b.tb.Client(t.Context(), u.caller)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	for _, number := range []string{"1e400", "-1e400", "1" + strings.Repeat("0", 400)} {
		args := json.RawMessage(`{"task_id":` + number + `}`)
		res, err := over.CallTool(t.Context(), &mcp.CallToolParams{Name: CompleteTask, Arguments: args})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "over HTTP", res.StructuredContent.(m)["error"], any("invalid"))
		raw, isError, err := k.CallTool(t.Context(), CompleteTask, args)
		if err != nil || !isError || decoded(t, raw)["error"] != "invalid" {
			t.Errorf("in process: %s, %v, %v", raw, isError, err)
		}
	}
}
