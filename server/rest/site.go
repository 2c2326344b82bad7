package rest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const indexFile = "index.html"

// mediaTypes of the files a page is made of. The machine's own table would depend on the machine.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml", ".png": "image/png",
	".ico": "image/x-icon", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".map": "application/json",
	".ics": "text/calendar; charset=utf-8",
}

// file is one file as it is served: with its hash as a strong ETag, and gzipped where that is shorter.
type file struct {
	mediaType string
	body      []byte
	tag       string
	zipped    func() []byte // nil: no shorter
}

func newFile(name string, body []byte) *file {
	kind, ok := mediaTypes[path.Ext(name)]
	if !ok {
		kind = "application/octet-stream"
	}
	sum := sha256.Sum256(body)
	f := &file{mediaType: kind, body: body, tag: hex.EncodeToString(sum[:16])}
	f.zipped = sync.OnceValue(f.zip)
	return f
}

func (f *file) zip() []byte {
	if strings.HasPrefix(f.mediaType, "image/png") || strings.HasPrefix(f.mediaType, "font/") {
		return nil
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, _ = z.Write(f.body) // a buffer takes everything
	_ = z.Close()
	if b.Len() >= len(f.body) {
		return nil
	}
	return b.Bytes()
}

// serve answers with the file, or 304 where the client has it.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	body, tag := f.body, `"`+f.tag+`"`
	if z := f.zipped(); z != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			body, tag = z, `"`+f.tag+`-gzip"`
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", tag)
	if matches(r.Header.Values("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client may be gone; net/http leaves the body of a HEAD out
}

// matches compares weakly, as RFC 9110 wants it for If-None-Match.
func matches(conditions []string, tag string) bool {
	for _, line := range conditions {
		for c := range strings.SplitSeq(line, ",") {
			if c = strings.TrimPrefix(strings.TrimSpace(c), "W/"); c == tag || c == "*" {
				return true
			}
		}
	}
	return false
}

func acceptsGzip(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept-Encoding") {
		for c := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(strings.TrimSpace(c), ";")
			q := strings.ReplaceAll(params, " ", "")
			if strings.EqualFold(name, "gzip") && q != "q=0" && q != "q=0.0" {
				return true
			}
		}
	}
	return false
}

// site is the page and its files.
type site struct {
	live  fs.FS // read anew for each request; nil: files holds all
	files map[string]*file
}

func newSite(files fs.FS, live bool) (*site, error) {
	s := &site{files: map[string]*file{}}
	if files == nil {
		return s, nil
	}
	if live {
		s.live = files
		return s, nil
	}
	err := s.load(files)
	return s, err
}

func (s *site) load(files fs.FS) error {
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		s.files[name] = newFile(name, body)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	return nil
}

// find gives the named file; nil for none.
func (s *site) find(name string) (*file, error) {
	if s.live == nil {
		return s.files[name], nil
	}
	body, err := fs.ReadFile(s.live, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || err != nil && isFolder(s.live, name) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return newFile(name, body), nil
}

func isFolder(files fs.FS, name string) bool {
	st, err := fs.Stat(files, name)
	return err == nil && st.IsDir()
}

// build names the state of all files.
func (s *site) build() (hash string, names []string, err error) {
	all := s
	if s.live != nil {
		all = &site{files: map[string]*file{}}
		if err := all.load(s.live); err != nil {
			return "", nil, err
		}
	}
	names = []string{}
	for name := range all.files {
		names = append(names, name)
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		fmt.Fprintf(sum, "%s %s\n", name, all.files[name].tag)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), names, nil
}

// notPages are the parts of the surface where a missing path is never answered with the page: a program that asked for
// data or code must not be given HTML.
var notPages = []string{"api", "mcp", "assets", "auth", "feeds", ".well-known"}

// page answers with a file of the page. For a path of the page's own making the index stands in.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		notFound.write(w, r)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = indexFile
	}
	f, err := s.site.find(name)
	first, _, _ := strings.Cut(name, "/")
	if f == nil && err == nil && !slices.Contains(notPages, first) && acceptsHTML(r) {
		f, err = s.site.find(indexFile)
	}
	switch {
	case err != nil:
		s.fail(w, r, err)
	case f == nil:
		notFound.write(w, r)
	default:
		f.serve(w, r)
	}
}

func acceptsHTML(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// version answers with the state of the page, by which an open one learns that there is a newer.
func (s *Server) version(w http.ResponseWriter, r *http.Request) {
	build, files, err := s.site.build()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	writeJSON(w, http.StatusOK, struct {
		Build string   `json:"build"`
		Files []string `json:"files"`
	}{build, files})
}
