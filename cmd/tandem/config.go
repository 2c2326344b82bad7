package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// config holds every setting. Each is a flag and an environment variable with one default; the table settings is the only
// list of them.
type config struct {
	Addr        string
	DataDir     string
	AuthSecret  string
	AuthIssuers string
	AuthURL     string
	PublicURL   string
	WebDir      string
	LogLevel    slog.Level
	LogFormat   string
	Proxies     []netip.Prefix
	ModelKey    string
	ModelURL    string
	ModelName   string
	TokenBudget int64
}

// setting is one row of the table.
type setting struct {
	flag, env, def, help string
	secret               bool
	set                  func(c *config, value string) error
}

var settings = []setting{
	{"addr", "TANDEM_ADDR", "127.0.0.1:8080", "address to listen on", false, setAddr},
	{"data-dir", "TANDEM_DATA_DIR", "", "folder of the database and keys (default: your data folder)", false, setDataDir},
	{"auth-secret", "TANDEM_AUTH_SECRET", "", "HS256 secret of at least 32 bytes", true, func(c *config, v string) error {
		c.AuthSecret = v
		return nil
	}},
	{"auth-issuers", "TANDEM_AUTH_ISSUERS", "", "JSON file of token issuers", false, setExistingFile(func(c *config) *string { return &c.AuthIssuers })},
	{"auth-url", "TANDEM_AUTH_URL", "", "base address of an outside sign-in", false, setURL(func(c *config) *string { return &c.AuthURL })},
	{"public-url", "TANDEM_PUBLIC_URL", "", "address under which people reach this server", false, setURL(func(c *config) *string { return &c.PublicURL })},
	{"web-dir", "TANDEM_WEB_DIR", "", "serve the browser client from this folder instead of the binary", false, setWebDir},
	{"log-level", "TANDEM_LOG_LEVEL", "info", "debug, info, warn or error", false, setLogLevel},
	{"log-format", "TANDEM_LOG_FORMAT", "text", "text or json", false, setLogFormat},
	{"trusted-proxies", "TANDEM_TRUSTED_PROXIES", "", "address ranges whose X-Forwarded-For is believed, with commas", false, setProxies},
	{"model-key", "OPENAI_API_KEY", "", "key of an OpenAI-compatible model; without one the built-in planner answers", true, func(c *config, v string) error {
		c.ModelKey = v
		return nil
	}},
	{"model-url", "OPENAI_BASE_URL", "", "base address of the model", false, setURL(func(c *config) *string { return &c.ModelURL })},
	{"model-name", "OPENAI_MODEL", "gpt-5-mini", "name of the model", false, func(c *config, v string) error {
		c.ModelName = v
		return nil
	}},
	{"token-budget", "TANDEM_TOKEN_BUDGET", "500000", "model tokens a user may use in a day", false, setTokenBudget},
}

// bind registers every setting as a flag of fs. load must be called after fs was parsed.
func bind(fs *flag.FlagSet) (load func() (config, error)) {
	given := map[string]*string{}
	for _, s := range settings {
		given[s.flag] = fs.String(s.flag, "", fmt.Sprintf("%s [$%s, default %q]", s.help, s.env, s.def))
	}
	return func() (config, error) {
		var c config
		set := map[string]bool{}
		fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
		for _, s := range settings {
			value, source := s.def, "the default of "+s.env
			if v, ok := os.LookupEnv(s.env); ok && v != "" {
				value, source = v, s.env
			}
			if set[s.flag] {
				value, source = *given[s.flag], "--"+s.flag
			}
			if err := s.set(&c, value); err != nil {
				return c, fmt.Errorf("%s: %w", source, err)
			}
		}
		return c, nil
	}
}

// shown gives the settings as `tandem doctor` prints them: where a secret is set, only that it is.
func (s setting) shown() string {
	v, ok := os.LookupEnv(s.env)
	switch {
	case !ok || v == "":
		return "default"
	case s.secret:
		return "set"
	}
	if u, err := url.Parse(v); err == nil {
		return u.Redacted()
	}
	return v
}

func setAddr(c *config, v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return fmt.Errorf("%q is not an address such as 127.0.0.1:8080", v)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no valid port", v)
	}
	if host != "" && host != "localhost" && net.ParseIP(host) == nil {
		return fmt.Errorf("%q: the host must be an IP address or localhost", v)
	}
	c.Addr = v
	return nil
}

// loopback reports whether only this machine can reach the address.
func (c config) loopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func setDataDir(c *config, v string) error {
	if v == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return errors.New("no home folder is known; name a folder for the data")
		}
		v = filepath.Join(home, ".local", "share", "tandem")
		if x, _ := os.LookupEnv("XDG_DATA_HOME"); filepath.IsAbs(x) {
			v = filepath.Join(x, "tandem")
		}
	}
	abs, err := filepath.Abs(v)
	if err != nil {
		return fmt.Errorf("%q is not a folder: %w", v, err)
	}
	c.DataDir = abs
	return nil
}

func setExistingFile(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		if v != "" {
			if st, err := os.Stat(v); err != nil || st.IsDir() {
				return fmt.Errorf("there is no file %q", v)
			}
		}
		*field(c) = v
		return nil
	}
}

func setWebDir(c *config, v string) error {
	if v != "" {
		if _, err := os.Stat(filepath.Join(v, "index.html")); err != nil {
			return fmt.Errorf("there is no index.html in %q", v)
		}
	}
	c.WebDir = v
	return nil
}

func setURL(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		if v != "" {
			u, err := url.Parse(v)
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return fmt.Errorf("%q is not an http or https address", v)
			}
		}
		*field(c) = strings.TrimSuffix(v, "/")
		return nil
	}
}

func setLogLevel(c *config, v string) error {
	switch v {
	case "debug", "info", "warn", "error":
		return c.LogLevel.UnmarshalText([]byte(v))
	default:
		return fmt.Errorf("%q is not debug, info, warn or error", v)
	}
}

func setLogFormat(c *config, v string) error {
	if v != "text" && v != "json" {
		return fmt.Errorf("%q is not text or json", v)
	}
	c.LogFormat = v
	return nil
}

func setProxies(c *config, v string) error {
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return fmt.Errorf("%q is not an address range such as 10.0.0.0/8", part)
		}
		c.Proxies = append(c.Proxies, p)
	}
	return nil
}

func setTokenBudget(c *config, v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a number of tokens", v)
	}
	c.TokenBudget = n
	return nil
}
