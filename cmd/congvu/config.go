package main

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"congvu/inspection/notify"
	"congvu/migrations"
	"congvu/web"

	"github.com/caarlos0/env/v11"
)

// Config is every setting; this file is the only reader of the environment.
// docs/config.md documents each, and a test keeps it so. A secret may be given as
// …_FILE, the path of a file that holds it.
type Config struct {
	Addr          string `env:"CONGVU_ADDR" envDefault:"127.0.0.1:8080"`
	URL           string `env:"CONGVU_URL"`
	Data          string `env:"CONGVU_DATA" envDefault:"./data"`
	DatabaseURL   string `env:"CONGVU_DATABASE_URL"`
	MasterKey     string `env:"CONGVU_MASTER_KEY"`
	S3Endpoint    string `env:"CONGVU_S3_ENDPOINT"`
	S3Bucket      string `env:"CONGVU_S3_BUCKET" envDefault:"congvu"`
	S3Region      string `env:"CONGVU_S3_REGION" envDefault:"us-east-1"`
	S3AccessKey   string `env:"CONGVU_S3_ACCESS_KEY"`
	S3SecretKey   string `env:"CONGVU_S3_SECRET_KEY"`
	S3TLS         bool   `env:"CONGVU_S3_TLS" envDefault:"true"`
	MaxFileBytes  int64  `env:"CONGVU_MAX_FILE_BYTES" envDefault:"33554432"`
	MaxFilePixels int64  `env:"CONGVU_MAX_FILE_PIXELS" envDefault:"60000000"`
	LogFormat     string `env:"CONGVU_LOG_FORMAT" envDefault:"text"`
	TLSCert       string `env:"CONGVU_TLS_CERT"`
	TLSKey        string `env:"CONGVU_TLS_KEY"`
	Proxies       string `env:"CONGVU_TRUSTED_PROXIES"`
	MetricsAddr   string `env:"CONGVU_METRICS_ADDR"`
	SMTPAddr      string `env:"CONGVU_SMTP_ADDR"`
	SMTPFrom      string `env:"CONGVU_SMTP_FROM"`
	SMTPUser      string `env:"CONGVU_SMTP_USER"`
	SMTPPassword  string `env:"CONGVU_SMTP_PASSWORD"`
	SMTPTLS       string `env:"CONGVU_SMTP_TLS" envDefault:"starttls"`
	WebhookAllow  string `env:"CONGVU_WEBHOOK_ALLOW"`
	CameraRanges  string `env:"CONGVU_CAMERA_RANGES"`
	CPUProfile    string `env:"CONGVU_CPU_PROFILE"`
}

// secrets are the settings that may be read from a file instead.
var secrets = []string{"CONGVU_DATABASE_URL", "CONGVU_MASTER_KEY", "CONGVU_S3_ACCESS_KEY", "CONGVU_S3_SECRET_KEY", "CONGVU_SMTP_PASSWORD"}

// ReadConfig reads the settings from an environment, as os.Environ gives it.
func ReadConfig(environ []string) (Config, error) {
	vars := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = value
	}
	for _, name := range secrets {
		path, ok := vars[name+"_FILE"]
		if !ok || path == "" {
			continue
		}
		if vars[name] != "" {
			return Config{}, fmt.Errorf("%s and %s_FILE are both set: set one", name, name)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return Config{}, fmt.Errorf("%s_FILE: %w", name, err)
		}
		vars[name] = strings.TrimSpace(string(raw))
	}
	if err := checkNames(vars); err != nil {
		return Config{}, err
	}
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: vars}); err != nil {
		return c, err
	}
	return c, c.check()
}

// checkNames refuses a setting that the program does not know: a typing error in
// CONGVU_DATABASE_URL would otherwise mean SQLite without a word. What begins with
// CONGVU_TEST_ is the tests' own.
func checkNames(vars map[string]string) error {
	known := map[string]bool{"CONGVU_LONG": true, "CONGVU_SEED": true, "CONGVU_CACHE": true}
	for field := range reflect.TypeFor[Config]().Fields() {
		known[field.Tag.Get("env")] = true
	}
	for _, name := range secrets {
		known[name+"_FILE"] = true
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if strings.HasPrefix(name, "CONGVU_") && !strings.HasPrefix(name, "CONGVU_TEST_") && !known[name] {
			return fmt.Errorf("%s is not a setting of this program; docs/config.md lists them all", name)
		}
	}
	return nil
}

func (c Config) check() error {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" {
			return errors.New("CONGVU_URL must be an address like https://congvu.example.vn, without a path")
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("CONGVU_TLS_CERT and CONGVU_TLS_KEY go together: set both or none")
	}
	if _, err := web.ParseProxies(c.Proxies); err != nil {
		return fmt.Errorf("CONGVU_TRUSTED_PROXIES: %w", err)
	}
	if c.MetricsAddr != "" {
		if _, port, err := net.SplitHostPort(c.MetricsAddr); err != nil || portNumber(port) < 0 {
			return errors.New("CONGVU_METRICS_ADDR must be an address to listen on like 127.0.0.1:9464")
		}
		if samePlace(c.MetricsAddr, c.Addr) || atPublic(c.MetricsAddr, c.PublicURL()) {
			return errors.New("CONGVU_METRICS_ADDR must not be the address that people use: metrics have one of their own, best 127.0.0.1:9464")
		}
	}
	if !c.listensHere() && c.TLSCert == "" && c.Proxies == "" {
		return errors.New("CONGVU_ADDR is reached from other machines, and passwords would cross the network in the clear: set CONGVU_TLS_CERT and CONGVU_TLS_KEY, or CONGVU_TRUSTED_PROXIES to the proxy that speaks HTTPS, or listen on 127.0.0.1")
	}
	if u := c.PublicURL(); u.Scheme == "http" && !isHere(u.Hostname()) {
		return errors.New("CONGVU_URL must begin with https:// where it is no address of this machine alone")
	}
	if c.DatabaseURL != "" && !migrations.IsPostgres(c.DatabaseURL) {
		return errors.New("CONGVU_DATABASE_URL must begin with postgres://; leave it empty for SQLite in CONGVU_DATA")
	}
	if c.DatabaseURL != "" && c.MasterKey == "" {
		return errors.New("CONGVU_MASTER_KEY is needed with PostgreSQL, so that all copies of the program share it: 32 random bytes in base64, for example from `openssl rand -base64 32`")
	}
	if c.S3Endpoint != "" && (c.S3AccessKey == "" || c.S3SecretKey == "") {
		return errors.New("CONGVU_S3_ACCESS_KEY and CONGVU_S3_SECRET_KEY are needed with CONGVU_S3_ENDPOINT")
	}
	if err := c.checkMail(); err != nil {
		return err
	}
	if _, err := notify.ParsePrefixes(c.WebhookAllow); err != nil {
		return fmt.Errorf("CONGVU_WEBHOOK_ALLOW: %w", err)
	}
	if _, err := notify.ParsePrefixes(c.CameraRanges); err != nil {
		return fmt.Errorf("CONGVU_CAMERA_RANGES: %w", err)
	}
	if c.MaxFileBytes < 1<<20 || c.MaxFileBytes > 1<<30 {
		return errors.New("CONGVU_MAX_FILE_BYTES must lie between 1 MiB and 1 GiB")
	}
	if c.MaxFilePixels < 1_000_000 || c.MaxFilePixels > 500_000_000 {
		return errors.New("CONGVU_MAX_FILE_PIXELS must lie between 1 and 500 million")
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return errors.New("CONGVU_LOG_FORMAT must be text or json")
	}
	return nil
}

// checkMail refuses a mail server that nothing could be sent by, or in the clear.
func (c Config) checkMail() error {
	if c.SMTPTLS != notify.StartTLS && c.SMTPTLS != notify.ImplicitTLS && c.SMTPTLS != notify.NoTLS {
		return errors.New("CONGVU_SMTP_TLS must be starttls, tls or none")
	}
	if c.SMTPAddr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(c.SMTPAddr)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" || n == 0 {
		return errors.New("CONGVU_SMTP_ADDR must be host:port, for example smtp.example.vn:587")
	}
	if from, err := mail.ParseAddress(c.SMTPFrom); err != nil || strings.ContainsAny(c.SMTPFrom, "\r\n") || !strings.Contains(from.Address, "@") {
		return errors.New("CONGVU_SMTP_FROM must be an address, for example Kiểm tra công vụ <congvu@example.vn>")
	}
	if (c.SMTPUser == "") != (c.SMTPPassword == "") {
		return errors.New("CONGVU_SMTP_USER and CONGVU_SMTP_PASSWORD go together: set both or none")
	}
	if c.SMTPTLS == notify.NoTLS && !isHere(host) {
		return errors.New("CONGVU_SMTP_TLS may be none only where CONGVU_SMTP_ADDR is on this machine: mail and password would cross the network in the clear")
	}
	return nil
}

// DSN names the database: PostgreSQL as configured, else SQLite in the data folder.
func (c Config) DSN() string {
	if c.DatabaseURL != "" {
		return c.DatabaseURL
	}
	return filepath.Join(c.Data, "congvu.db")
}

// listensHere tells whether only this machine reaches the program.
func (c Config) listensHere() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	return err == nil && isHere(host)
}

func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// PublicURL is the address that people use.
func (c Config) PublicURL() *url.URL {
	if c.URL != "" {
		u, _ := url.Parse(strings.TrimSuffix(c.URL, "/"))
		return u
	}
	host := c.Addr
	if strings.HasPrefix(host, "127.0.0.1:") {
		host = "localhost" + strings.TrimPrefix(host, "127.0.0.1")
	}
	if c.TLSCert != "" {
		return &url.URL{Scheme: "https", Host: host}
	}
	return &url.URL{Scheme: "http", Host: host}
}

// Keys are what derives from the master key.
type Keys struct {
	Sessions []byte // separates the hashes of this installation from others
	Setup    []byte // makes the code of the first start
	Receipts []byte // seed of the Ed25519 key that signs receipts
	Devices  []byte // from which the keys of people's devices derive
	Letters  []byte // signs the links in mails that end them
	Webhooks []byte // encrypts the secrets of webhooks
	Cameras  []byte // encrypts what cameras are signed in with
}

// ReadKeys derives every key (HKDF-SHA-256, RFC 5869) from the master key, which is
// made in the data folder when none is configured.
func (c Config) ReadKeys() (Keys, error) {
	master, err := c.master()
	if err != nil {
		return Keys{}, err
	}
	derive := func(use string) []byte {
		key, e := hkdf.Key(sha256.New, master, nil, "congvu "+use, 32)
		if e != nil {
			err = e
		}
		return key
	}
	k := Keys{Sessions: derive("sessions"), Setup: derive("setup"), Receipts: derive("receipts"), Devices: derive("devices"),
		Letters: derive("letters"), Webhooks: derive("webhooks"), Cameras: derive("cameras")}
	return k, err
}

func (c Config) master() ([]byte, error) {
	encoded := c.MasterKey
	if encoded == "" {
		path := filepath.Join(c.Data, "master.key")
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			raw, err = makeMaster(path)
		}
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		encoded = strings.TrimSpace(string(raw))
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) != 32 {
		return nil, errors.New("CONGVU_MASTER_KEY must be 32 bytes in base64")
	}
	return key, nil
}

// makeMaster writes a new key so that either the whole file is there or none; a
// file that appeared meanwhile is kept.
func makeMaster(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".master-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name())
	if _, err := temp.WriteString(base64.StdEncoding.EncodeToString(key) + "\n"); err != nil {
		return nil, err
	}
	if err := temp.Sync(); err != nil {
		return nil, err
	}
	if err := temp.Close(); err != nil {
		return nil, err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
