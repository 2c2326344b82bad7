package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"tandem"
)

// A second command on the same data folder is a client of the running server. It finds the server through a file in the
// folder, readable by its owner alone, that holds a loopback address and a secret made at each start.

// running is what the file holds.
type running struct {
	URL     string `json:"url"`     // of the product
	Control string `json:"control"` // of the verbs below
	Secret  string `json:"secret"`
	PID     int    `json:"pid"`
}

func runningFile(dataDir string) string { return filepath.Join(dataDir, "server.json") }

// verb is one thing that the running server does for a command: args are JSON, body and out are streams.
type verb func(ctx context.Context, args json.RawMessage, body io.Reader, out io.Writer) error

// control serves verbs to commands of the same data folder.
type control struct {
	verbs  map[string]verb
	secret string
}

// serveControl listens on a loopback port and writes the file; it blocks until ctx ends, and removes the file.
func serveControl(ctx context.Context, dataDir, publicURL string, verbs map[string]verb, ready func()) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	c := control{verbs: verbs, secret: rand.Text()}
	file := runningFile(dataDir)
	info, err := json.Marshal(running{URL: publicURL, Control: "http://" + ln.Addr().String(), Secret: c.secret, PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("describe the server: %w", err)
	}
	if err := writePrivate(file, info); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", file, err), ln.Close())
	}
	defer os.Remove(file) // a file that stays is noticed by the next command
	srv := &http.Server{Handler: c, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	ready()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve commands: %w", err)
	}
	return nil
}

// errTrailer carries an error that happened after the answer had begun.
const errTrailer = "Tandem-Error"

func (c control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+c.secret)) != 1 || r.Method != http.MethodPost {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	do, ok := c.verbs[r.URL.Path[1:]]
	if !ok {
		http.Error(w, "the running server is of another version and does not know "+r.URL.Path[1:], http.StatusNotFound)
		return
	}
	w.Header().Set("Trailer", errTrailer)
	if err := do(r.Context(), json.RawMessage(r.URL.Query().Get("args")), r.Body, w); err != nil {
		w.Header().Set(errTrailer, url.QueryEscape(sentence(err)))
	}
}

// remote is the running server as a command sees it.
type remote struct {
	running
}

// findRunning gives the server of the data folder, if one answers.
func findRunning(ctx context.Context, dataDir string) (remote, bool) {
	data, err := os.ReadFile(runningFile(dataDir))
	if err != nil {
		return remote{}, false
	}
	var r remote
	if json.Unmarshal(data, &r.running) != nil {
		return remote{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return r, r.do(ctx, "ping", nil, nil, io.Discard) == nil
}

// do runs a verb and copies its answer to out.
func (r remote) do(ctx context.Context, name string, args any, body io.Reader, out io.Writer) error {
	encoded, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("encode arguments of %s: %w", name, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Control+"/"+name+"?args="+url.QueryEscape(string(encoded)), body)
	if err != nil {
		return fmt.Errorf("ask the running server: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+r.Secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the running server: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return fmt.Errorf("the running server refused: %s", text)
	}
	if _, err := io.Copy(out, res.Body); err != nil {
		return fmt.Errorf("read the answer of the running server: %w", err)
	}
	if text, err := url.QueryUnescape(res.Trailer.Get(errTrailer)); err == nil && text != "" {
		return errors.New(text)
	}
	return nil
}

// doer does verbs: the running server, or this process on a database that it has opened.
type doer interface {
	do(ctx context.Context, name string, args any, body io.Reader, out io.Writer) error
}

// direct does verbs in this process.
type direct map[string]verb

// do runs a verb.
func (d direct) do(ctx context.Context, name string, args any, body io.Reader, out io.Writer) error {
	run, ok := d[name]
	if !ok {
		return fmt.Errorf("%q is for the embedded mode; with TANDEM_DATABASE_URL use the tools of Postgres", name)
	}
	encoded, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("encode arguments of %s: %w", name, err)
	}
	return run(ctx, encoded, body, out)
}

// ask runs a verb whose answer is one JSON value.
func ask[T any](ctx context.Context, r doer, name string, args any) (T, error) {
	var answer T
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := r.do(ctx, name, args, nil, pw)
		_ = pw.CloseWithError(err)
		done <- err
	}()
	err := json.NewDecoder(pr).Decode(&answer)
	_ = pr.Close()
	if verr := <-done; verr != nil && !errors.Is(verr, io.ErrClosedPipe) {
		return answer, verr
	}
	if err != nil {
		return answer, fmt.Errorf("read the answer to %s: %w", name, err)
	}
	return answer, nil
}

// reply makes a verb out of a function from JSON to JSON.
func reply[In, Out any](f func(context.Context, In) (Out, error)) verb {
	return func(ctx context.Context, args json.RawMessage, _ io.Reader, out io.Writer) error {
		in, err := argsOf[In](args)
		if err != nil {
			return err
		}
		answer, err := f(ctx, in)
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(answer)
	}
}

func argsOf[T any](args json.RawMessage) (T, error) {
	var in T
	if err := json.Unmarshal(args, &in); err != nil {
		return in, tandem.Invalid("args", nil, "the command and the running server do not understand each other")
	}
	return in, nil
}

// writePrivate replaces a file by one that only its owner can read.
func writePrivate(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	if _, err := tmp.Write(data); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
