package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"tandem"
)

// Bounds of a call to an address that a person set.
const (
	callTime = 3 * time.Second
	maxReply = 64 << 10
)

// errPrivate refuses an address that only this network can reach.
var errPrivate = errors.New("not a public address")

// reserved are ranges that look public and lead elsewhere: to networks of providers and of tests, and into IPv4 by way of IPv6.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

// translated is where networks without IPv4 find its addresses (RFC 6052): in the last four bytes.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// public reports an IP address that is anybody's to reach.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if translated.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// caller calls addresses that people set.
type caller struct {
	client *http.Client
}

// newCaller makes one. Tests give loopback: the authorities of servers on this machine, which may then be called too.
func newCaller(loopback *x509.CertPool) caller {
	dialer := net.Dialer{Timeout: callTime, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%q: %w", address, errPrivate)
		}
		if !public(to.Addr()) && (loopback == nil || !to.Addr().IsLoopback()) {
			return errPrivate
		}
		return nil
	}}
	return caller{&http.Client{
		Timeout:       callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: callTime, ResponseHeaderTimeout: callTime, MaxResponseHeaderBytes: maxReply,
			TLSClientConfig: &tls.Config{RootCAs: loopback, MinVersion: tls.VersionTLS12},
			MaxIdleConns:    100, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
		},
	}}
}

// close lets go of idle connections.
func (c caller) close() { c.client.CloseIdleConnections() }

// Do sends a request and reads its answer to the end, as far as it may be long. It is what webpush.HTTPClient asks for.
func (c caller) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.User != nil || r.URL.Host == "" {
		return nil, &tandem.DeliveryError{Final: true, Cause: errors.New("not an https address")}
	}
	r.Header.Set("User-Agent", "tandem")
	res, err := c.client.Do(r)
	if err != nil {
		return nil, failure(r.Context(), err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxReply) // what it says is not for us
	return res, nil
}

// failure tells an address that may not be dialled from one that does not answer. It never names the address, which may hold a
// secret.
func failure(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(err, errPrivate) {
		return &tandem.DeliveryError{Final: true, Cause: errPrivate}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return &tandem.DeliveryError{Cause: err}
}

// verdict judges the status of an answer; final lists those that another attempt would get again.
func verdict(res *http.Response, gone, final []int) error {
	if res.StatusCode/100 == 2 {
		return nil
	}
	e := &tandem.DeliveryError{Cause: fmt.Errorf("status %d", res.StatusCode)}
	for _, code := range gone {
		e.Gone = e.Gone || code == res.StatusCode
	}
	for _, code := range final {
		e.Final = e.Final || code == res.StatusCode
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.After = time.Duration(min(s, int(24*time.Hour/time.Second))) * time.Second
	}
	return e
}
