package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Names in the vault, and those by which the sentry reads them.
const (
	rootCert   = "ca.crt"
	issuerCert = "issuer.crt"
	issuerKey  = "issuer.key"
)

// The control plane's trust domain, and the name that the sentry has in it.
const (
	trustDomain = "localhost"
	sentryName  = "spiffe://localhost/ns/default/dapr-sentry"
)

// A new issuer is made while the old one still has this long; the root outlives many.
const (
	issuerRenewal  = 90 * 24 * time.Hour
	authorityYears = 10
	skew           = 15 * time.Minute
)

// certify reads the sentry's certificates, or makes them. The root's private key is forgotten, so that all three are made together; they
// are made anew before they end.
func (s secrets) certify(dir string) (made int, err error) {
	names := []string{rootCert, issuerKey, issuerCert} // the one that is asked comes last
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		s[name] = string(text)
	}
	if lasts(s[issuerCert]) && s[rootCert] != "" && s[issuerKey] != "" {
		return 0, nil
	}
	if err := s.authority(time.Now()); err != nil {
		return 0, fmt.Errorf("make certificates: %w", err)
	}
	for _, name := range names {
		if err := save(filepath.Join(dir, name), 0, []byte(s[name])); err != nil {
			return 0, err
		}
	}
	return len(names), nil
}

func lasts(text string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	return err == nil && time.Until(cert.NotAfter) > issuerRenewal
}

// authority makes a root and the issuer that the sentry signs with.
func (s secrets) authority(now time.Time) error {
	root, issuer := certificate(now, trustDomain), certificate(now, sentryName)
	issuer.KeyUsage |= x509.KeyUsageCRLSign
	rootPrivate, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, rootPrivate.Public(), rootPrivate)
	if err != nil {
		return err
	}
	issuerDER, err := x509.CreateCertificate(rand.Reader, issuer, root, private.Public(), rootPrivate)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	s[rootCert], s[issuerCert], s[issuerKey] = encode("CERTIFICATE", rootDER), encode("CERTIFICATE", issuerDER), encode("PRIVATE KEY", keyDER)
	return nil
}

func certificate(now time.Time, name string) *x509.Certificate {
	return &x509.Certificate{
		NotBefore: now.Add(-skew), NotAfter: now.AddDate(authorityYears, 0, 0), Subject: pkix.Name{Organization: []string{name}},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		IsCA:     true, BasicConstraintsValid: true, SignatureAlgorithm: x509.ECDSAWithSHA256,
	}
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
