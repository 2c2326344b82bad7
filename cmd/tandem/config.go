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
	"regexp"
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
	ModelAPI    string
	TokenBudget int64
	ChatKitKey  string // of the optional page

	// Of the distributed mode.
	DatabaseURL string // as an application role, possibly through a pooler
	MigrateURL  string // directly, as the role that may change the schema
	RedisURL    string
	OpsAddr     string
	ServeURL    string
	AppAddr     string
	Sidecar     sidecar

	// Of logs and traces.
	LogKey     string // hashes the ids of people
	LokiURL    string
	Env        string
	OTLPURL    string
	TraceRatio float64

	// Of the channels by which reminders leave the product.
	SMTPURL    string
	MailFrom   string
	VAPIDKey   string
	WebhookKey string

	secrets []string // the values of the secret settings, which no log shows
}

// sidecar is where the process finds its Dapr runtime. Dapr's own variables keep their names.
type sidecar struct {
	GRPCPort, HTTPPort, Token, AppToken string
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
	{"auth-secret", "TANDEM_AUTH_SECRET", "", "HS256 secret of at least 32 bytes", true, setText(func(c *config) *string { return &c.AuthSecret })},
	{"auth-issuers", "TANDEM_AUTH_ISSUERS", "", "JSON file of token issuers", false, setExistingFile(func(c *config) *string { return &c.AuthIssuers })},
	{"auth-url", "TANDEM_AUTH_URL", "", "base address of an outside sign-in", false, setURL(func(c *config) *string { return &c.AuthURL })},
	{"public-url", "TANDEM_PUBLIC_URL", "", "address under which people reach this server", false, setURL(func(c *config) *string { return &c.PublicURL })},
	{"web-dir", "TANDEM_WEB_DIR", "", "serve the browser client from this folder instead of the binary", false, setWebDir},
	{"log-level", "TANDEM_LOG_LEVEL", "info", "debug, info, warn or error", false, setLogLevel},
	{"log-format", "TANDEM_LOG_FORMAT", "text", "text or json", false, setLogFormat},
	{"log-key", "TANDEM_LOG_KEY", "", "key of at least 16 bytes that hashes the ids of people in logs and traces; the same in every process", true, setLogKey},
	{"loki-url", "TANDEM_LOKI_URL", "", "Loki that takes every line too, such as http://loki:3100", true, setLoki},
	{"env", "TANDEM_ENV", "local", "name of this installation in logs and traces", false, setEnv},
	{"otlp-endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "", "OpenTelemetry collector that takes spans by OTLP over HTTP", false, setURL(func(c *config) *string { return &c.OTLPURL })},
	{"trace-ratio", "OTEL_TRACES_SAMPLER_ARG", "0.05", "share of the traces that are kept, from 0 to 1", false, setRatio},
	{"trusted-proxies", "TANDEM_TRUSTED_PROXIES", "", "address ranges whose X-Forwarded-For is believed, with commas", false, setProxies},
	{"model-key", "OPENAI_API_KEY", "", "key of an OpenAI-compatible model; without one the built-in planner answers", true, setText(func(c *config) *string { return &c.ModelKey })},
	{"model-url", "OPENAI_BASE_URL", "", "base address of the model", false, setURL(func(c *config) *string { return &c.ModelURL })},
	{"model-name", "OPENAI_MODEL", "gpt-5-mini", "name of the model", false, setText(func(c *config) *string { return &c.ModelName })},
	{"model-api", "OPENAI_API", "chat", "how the model is asked: chat (Chat Completions) or responses", false, setModelAPI},
	{"token-budget", "TANDEM_TOKEN_BUDGET", "500000", "model tokens a user may use in a day", false, setTokenBudget},
	{"chatkit-key", "TANDEM_CHATKIT_KEY", "", "domain key of the page /chatkit, which loads its front end from OpenAI (default: there is no such page)", false, setText(func(c *config) *string { return &c.ChatKitKey })},
	{"database-url", "TANDEM_DATABASE_URL", "", "Postgres of the distributed mode, as an application role", true, setDatabase(func(c *config) *string { return &c.DatabaseURL })},
	{"migrate-url", "TANDEM_MIGRATE_URL", "", "the same Postgres without a pooler, as the role that owns the schema", true, setDatabase(func(c *config) *string { return &c.MigrateURL })},
	{"redis-url", "TANDEM_REDIS_URL", "", "Redis of the distributed mode", true, setRedis},
	{"ops-addr", "TANDEM_OPS_ADDR", "", "address of its own for /metrics, /livez and /readyz (default: that of --addr)", false, setOpsAddr},
	{"serve-url", "TANDEM_SERVE_URL", "", "address of `tandem serve`, for `tandem web`", false, setURL(func(c *config) *string { return &c.ServeURL })},
	{"app-addr", "TANDEM_APP_ADDR", "127.0.0.1:7000", "address on which the sidecar calls this process", false, setAppAddr},
	{"dapr-grpc-port", "DAPR_GRPC_PORT", "50001", "port of the sidecar", false, setText(func(c *config) *string { return &c.Sidecar.GRPCPort })},
	{"dapr-http-port", "DAPR_HTTP_PORT", "3500", "port of the sidecar for invocations", false, setText(func(c *config) *string { return &c.Sidecar.HTTPPort })},
	{"dapr-api-token", "DAPR_API_TOKEN", "", "token that the sidecar asks for", true, setText(func(c *config) *string { return &c.Sidecar.Token })},
	{"app-api-token", "APP_API_TOKEN", "", "token that the sidecar brings", true, setText(func(c *config) *string { return &c.Sidecar.AppToken })},
	{"smtp-url", "TANDEM_SMTP_URL", "", "mail server for reminders, such as smtps://user:password@mail.example.com", true, setText(func(c *config) *string { return &c.SMTPURL })},
	{"mail-from", "TANDEM_MAIL_FROM", "", "sender of that mail", false, setText(func(c *config) *string { return &c.MailFrom })},
	{"vapid-key", "TANDEM_VAPID_KEY", "", "private key of web push, base64url (default of tandem up: one of its own)", true, setText(func(c *config) *string { return &c.VAPIDKey })},
	{"webhook-key", "TANDEM_WEBHOOK_KEY", "", "key that signs webhooks (default of tandem up: one of its own)", true, setText(func(c *config) *string { return &c.WebhookKey })},
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
			if v, from, err := s.lookup(); err != nil {
				return c, fmt.Errorf("%s: %w", from, err)
			} else if v != "" {
				value, source = v, from
			}
			if set[s.flag] {
				value, source = *given[s.flag], "--"+s.flag
			}
			if err := s.set(&c, value); err != nil {
				return c, fmt.Errorf("%s: %w", source, err)
			}
			if s.secret {
				c.secrets = append(c.secrets, value)
			}
		}
		return c, nil
	}
}

// lookup reads the setting from the environment. A secret may stand in a file that the variable with _FILE names.
func (s setting) lookup() (value, source string, err error) {
	value, _ = os.LookupEnv(s.env)
	file := ""
	if s.secret {
		file, _ = os.LookupEnv(s.env + "_FILE")
	}
	switch {
	case file == "":
		return value, s.env, nil
	case value != "":
		return "", s.env, fmt.Errorf("is set, and %s_FILE as well", s.env)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", s.env + "_FILE", fmt.Errorf("there is no readable file %q", file)
	}
	return strings.TrimSpace(string(text)), s.env + "_FILE", nil
}

// shown gives the settings as `tandem doctor` prints them: where a secret is set, only that it is.
func (s setting) shown() string {
	v, _, err := s.lookup()
	switch {
	case err != nil:
		return err.Error()
	case v == "":
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
	c.Addr = v
	return checkAddr(v)
}

func setOpsAddr(c *config, v string) error {
	c.OpsAddr = v
	if v == "" {
		return nil
	}
	return checkAddr(v)
}

// setAppAddr takes loopback addresses only: the sidecar stands beside this process.
func setAppAddr(c *config, v string) error {
	if err := checkAddr(v); err != nil {
		return err
	}
	if !onLoopback(v) {
		return fmt.Errorf("%q can be reached from other machines", v)
	}
	c.AppAddr = v
	return nil
}

func checkAddr(v string) error {
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
	return nil
}

// loopback reports whether only this machine can reach the address.
func (c config) loopback() bool { return onLoopback(c.Addr) }

func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func setText(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		*field(c) = v
		return nil
	}
}

// setDatabase takes a Postgres URL. What is wrong with it is told without its text, which holds a password.
func setDatabase(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		if v != "" && !strings.HasPrefix(v, "postgres://") && !strings.HasPrefix(v, "postgresql://") {
			return errors.New("the address must begin with postgres://")
		}
		*field(c) = v
		return nil
	}
}

func setRedis(c *config, v string) error {
	if v != "" && !strings.HasPrefix(v, "redis://") && !strings.HasPrefix(v, "rediss://") {
		return errors.New("the address must begin with redis:// or rediss://")
	}
	c.RedisURL = v
	return nil
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

func setModelAPI(c *config, v string) error {
	if v != "chat" && v != "responses" {
		return fmt.Errorf("%q is not chat or responses", v)
	}
	c.ModelAPI = v
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

// minLogKey is the length from which nobody finds a key by trying.
const minLogKey = 16

func setLogKey(c *config, v string) error {
	if v != "" && len(v) < minLogKey {
		return fmt.Errorf("the key has %d bytes; it needs at least %d", len(v), minLogKey)
	}
	c.LogKey = v
	return nil
}

// setLoki tells what is wrong with an address without its text, which may hold a password.
func setLoki(c *config, v string) error {
	if v != "" && setURL(func(c *config) *string { return &c.LokiURL })(c, v) != nil {
		return errors.New("the address must begin with http:// or https:// and name a host")
	}
	return nil
}

// envForm keeps the name to what every collector takes as a label.
var envForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func setEnv(c *config, v string) error {
	if !envForm.MatchString(v) {
		return fmt.Errorf("%q is not a short name of lower-case letters, digits and hyphens", v)
	}
	c.Env = v
	return nil
}

func setRatio(c *config, v string) error {
	r, err := strconv.ParseFloat(v, 64)
	if err != nil || !(r >= 0 && r <= 1) {
		return fmt.Errorf("%q is not a share from 0 to 1", v)
	}
	c.TraceRatio = r
	return nil
}
