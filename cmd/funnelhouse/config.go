package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

const configFile = "funnelhouse.yaml"

// config is funnelhouse.yaml: this installation.
type config struct {
	Company   companyConfig   `yaml:"company" doc:"The company whose figures these are."`
	Kafka     *kafkaConfig    `yaml:"kafka" doc:"The brokers to read from. Without it nothing is ingested."`
	Ingest    ingestConfig    `yaml:"ingest" doc:"How batches are closed, and how much memory they may take."`
	Warehouse warehouseConfig `yaml:"warehouse" doc:"The DuckDB file."`
	Publish   publishConfig   `yaml:"publish" doc:"When Parquet is written for BI tools while serve runs."`
	Retention retentionConfig `yaml:"retention" doc:"What is kept, and for how long."`
	Server    serverConfig    `yaml:"server" doc:"Where serve answers by HTTP."`
	Mail      *mailConfig     `yaml:"mail" doc:"The mail server that takes reports. Without it they are written to data/reports alone."`
	Users     []userConfig    `yaml:"users" doc:"Who reads reports."`

	path string
}

type companyConfig struct {
	Name             string   `yaml:"name" doc:"Name shown above figures."`
	Zone             string   `yaml:"zone" doc:"Time zone in which a business day begins, like Asia/Shanghai. Default: UTC."`
	FiscalYearStarts string   `yaml:"fiscal_year_starts" doc:"Month with which years and quarters begin. Default: january." enum:"january|february|march|april|may|june|july|august|september|october|november|december"`
	Currency         string   `yaml:"currency" doc:"ISO 4217 code of amounts; figures leave out those in another currency. Default: none is shown, and every amount counts."`
	Languages        []string `yaml:"languages" doc:"Languages of labels, the preferred one first: en, zh-Hans, zh-Hant. Default: en."`
}

type kafkaConfig struct {
	Brokers  []string    `yaml:"brokers" doc:"host:port of one or more brokers."`
	Embedded string      `yaml:"embedded" doc:"Instead of brokers: folder of the broker inside this process, as demo writes it."`
	TLS      *tlsConfig  `yaml:"tls" doc:"Encrypt the connection; tls: {} trusts the system's authorities."`
	SASL     *saslConfig `yaml:"sasl" doc:"Authenticate."`
}

type tlsConfig struct {
	CAFile     string `yaml:"ca_file" doc:"PEM file of the authorities that sign the brokers' certificates. Default: the system's."`
	CertFile   string `yaml:"cert_file" doc:"PEM file of our own certificate, where brokers ask for one."`
	KeyFile    string `yaml:"key_file" doc:"PEM file of its key."`
	ServerName string `yaml:"server_name" doc:"Name expected in the brokers' certificates. Default: their host."`
}

type saslConfig struct {
	Mechanism string `yaml:"mechanism" required:"true" doc:"How to authenticate." enum:"PLAIN|SCRAM-SHA-256|SCRAM-SHA-512"`
	Username  string `yaml:"username" required:"true" doc:"Name of the user."`
	Password  secret `yaml:"password" required:"true" doc:"{env: NAME} or {file: PATH}; never the password itself."`
}

// secret is where a password stands. It is never a plain value in the file.
type secret struct {
	Env  string `yaml:"env" doc:"Environment variable that holds it."`
	File string `yaml:"file" doc:"File that holds it; a line end behind it is cut off."`
}

type ingestConfig struct {
	Memory         string `yaml:"memory" doc:"Bytes that records may take on their way, fetched and batched together. Default: 192MB."`
	BatchRows      int    `yaml:"batch_rows" doc:"Records after which a batch is committed. Default: 100000."`
	BatchAge       string `yaml:"batch_age" doc:"Time after which a batch is committed, like 1s. Default: 1s."`
	MaxRecordBytes string `yaml:"max_record_bytes" doc:"Largest record that is read; larger ones go to quarantine. Default: 1MB."`
}

type warehouseConfig struct {
	Memory  string `yaml:"memory" doc:"Bytes for DuckDB's buffers. Default: 1GB."`
	Threads int    `yaml:"threads" doc:"Threads for one query. Default: 2."`
}

type publishConfig struct {
	AtMostEvery string `yaml:"at_most_every" doc:"Shortest time between two published builds, like 5 minutes or 1 hour. Default: 5 minutes."`
}

type retentionConfig struct {
	PublishedBuilds *int `yaml:"published_builds" doc:"How many older published builds are kept beside the current one. Default: 2."`
}

type serverConfig struct {
	Listen string `yaml:"listen" doc:"host:port of a loopback address. Default: 127.0.0.1:8080."`
}

type mailConfig struct {
	Host     string `yaml:"host" required:"true" doc:"Name of the mail server."`
	Port     int    `yaml:"port" doc:"Default: 587."`
	TLS      string `yaml:"tls" doc:"starttls (default), implicit, or none for a server on this machine." enum:"starttls|implicit|none"`
	From     string `yaml:"from" required:"true" doc:"Address that reports come from."`
	Username string `yaml:"username" doc:"Name of the account. Default: the address in from, where there is a password."`
	Password secret `yaml:"password" doc:"{env: NAME} or {file: PATH}; never the password itself. Default: no login."`
}

type userConfig struct {
	Name     string `yaml:"name" required:"true" doc:"Short name of the person."`
	Mail     string `yaml:"mail" required:"true" doc:"Where reports are sent to."`
	Role     string `yaml:"role" required:"true" doc:"Reports are sent to roles: role:management." enum:"management|analyst|marketing|rnd|sales|service"`
	Language string `yaml:"language" doc:"Language of their reports. Default: the company's first." enum:"en|zh-Hans|zh-Hant"`
}

// settings are a config's values, read and in the types that are used.
type settings struct {
	ingestMemory   int64
	batchRows      int
	batchAge       time.Duration
	maxRecordBytes int64
	fiscalStart    time.Month
	language       string
	connection     kafka.Connection
	publishEvery   time.Duration
	publishedKept  int
	listen         string
}

// loadConfig reads funnelhouse.yaml of a project; without the file every
// value is the default.
func loadConfig(dir string) (*config, *settings, error) {
	c := &config{path: filepath.Join(dir, configFile)}
	data, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = []byte("{}\n"), nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	doc, err := yamlfile.Decode(configFile, data, c)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.settings(doc, dir)
	return c, s, err
}

func (c *config) settings(doc *yamlfile.Doc, dir string) (*settings, error) {
	s := &settings{batchRows: c.Ingest.BatchRows, fiscalStart: time.January, language: "en"}
	var problems []error
	problem := func(field, message, fix string) {
		problems = append(problems, doc.Problem(field, message, fix))
	}
	size := func(field, value string, fallback, least, most int64) int64 {
		if value == "" {
			return fallback
		}
		n, ok := parseSize(value)
		if !ok || n < least || n > most {
			problem(field, fmt.Sprintf("%q is no size from %s to %s", value, formatSize(least), formatSize(most)), "write one like 256MB")
		}
		return n
	}
	s.ingestMemory = size("ingest.memory", c.Ingest.Memory, 192<<20, 16<<20, 4<<30)
	s.maxRecordBytes = size("ingest.max_record_bytes", c.Ingest.MaxRecordBytes, 1<<20, 1<<10, 256<<20)
	size("warehouse.memory", c.Warehouse.Memory, 1<<30, 64<<20, 1<<39)
	if c.Ingest.BatchAge != "" {
		age, err := time.ParseDuration(c.Ingest.BatchAge)
		if err != nil || age <= 0 {
			problem("ingest.batch_age", fmt.Sprintf("%q is no duration", c.Ingest.BatchAge), "write one like 1s or 500ms")
		}
		s.batchAge = age
	}
	if c.Ingest.BatchRows < 0 {
		problem("ingest.batch_rows", "is negative", "write a number like 100000")
	}
	if c.Warehouse.Threads < 0 {
		problem("warehouse.threads", "is negative", "write a number like 2")
	}
	if z := c.Company.Zone; z != "" {
		if _, err := time.LoadLocation(z); err != nil || z == "Local" {
			problem("company.zone", fmt.Sprintf("%q is no time zone", z), "write a name of the IANA database, like Asia/Shanghai")
		}
	}
	if code := c.Company.Currency; code != "" && !currencyPattern.MatchString(code) {
		problem("company.currency", fmt.Sprintf("%q is no currency", code), "write a code of ISO 4217, like CNY")
	}
	if m := c.Company.FiscalYearStarts; m != "" {
		s.fiscalStart = month(m)
	}
	for i, l := range c.Company.Languages {
		if l != "en" && l != "zh-Hans" && l != "zh-Hant" {
			problem(fmt.Sprintf("company.languages[%d]", i), fmt.Sprintf("%q is not one of our languages", l), "write en, zh-Hans or zh-Hant")
		}
	}
	if len(c.Company.Languages) > 0 {
		s.language = c.Company.Languages[0]
	}
	if c.Kafka != nil {
		c.kafkaSettings(s, dir, problem)
	}
	c.serveSettings(s, problem)
	return s, errors.Join(problems...)
}

var currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)

// serveSettings reads what serve does besides ingesting and building.
func (c *config) serveSettings(s *settings, problem func(field, message, fix string)) {
	s.publishEvery, s.publishedKept, s.listen = 5*time.Minute, 2, "127.0.0.1:8080"
	if every := c.Publish.AtMostEvery; every != "" {
		d, ok := parseSpan(every)
		if !ok {
			problem("publish.at_most_every", fmt.Sprintf("%q is no time from 1 second to 1 day", every), "write one like 5 minutes")
		}
		s.publishEvery = d
	}
	if kept := c.Retention.PublishedBuilds; kept != nil {
		if *kept < 1 {
			problem("retention.published_builds", "is below 1: a reader of the build before would lose its files", "write 1 or more")
		}
		s.publishedKept = *kept
	}
	if c.Server.Listen != "" {
		s.listen = c.Server.Listen
		if !isLoopback(s.listen) {
			problem("server.listen", fmt.Sprintf("%q is no host:port of a loopback address", s.listen),
				"write one like 127.0.0.1:8080; nobody logs in yet, so other machines reach it through a proxy that asks who they are")
		}
	}
	if m := c.Mail; m != nil {
		if _, err := mail.ParseAddress(m.From); err != nil {
			problem("mail.from", fmt.Sprintf("%q is no mail address", m.From), "write one like reports@example.com")
		}
		if m.Port < 0 || m.Port > 65535 {
			problem("mail.port", "is no port", "write one like 587")
		}
		if m.TLS == "none" && !isLoopback(net.JoinHostPort(m.Host, "25")) {
			problem("mail.tls", "none would carry reports in clear to another machine", "write starttls or implicit")
		}
		if m.Password.Env != "" && m.Password.File != "" {
			problem("mail.password", "names both an environment variable and a file", "write {env: NAME} or {file: PATH}")
		}
	}
	for i, u := range c.Users {
		if _, err := mail.ParseAddress(u.Mail); err != nil {
			problem(fmt.Sprintf("users[%d].mail", i), fmt.Sprintf("%q is no mail address", u.Mail), "write one like wang@example.com")
		}
	}
}

// isLoopback says whether a host:port is reached from this machine alone.
func isLoopback(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || port != strconv.FormatUint(n, 10) {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

var spanText = regexp.MustCompile(`^([1-9][0-9]{0,4}) (second|minute|hour|day)s?$`)

// parseSpan reads 5 minutes.
func parseSpan(s string) (time.Duration, bool) {
	m := spanText.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	if err != nil {
		return 0, false
	}
	d := time.Duration(n) * map[string]time.Duration{
		"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour,
	}[m[2]]
	return d, d <= 24*time.Hour
}

func (c *config) kafkaSettings(s *settings, dir string, problem func(field, message, fix string)) {
	k := c.Kafka
	switch {
	case k.Embedded != "" && len(k.Brokers) > 0:
		problem("kafka", "has both brokers and embedded", "keep one of them")
	case k.Embedded == "" && len(k.Brokers) == 0:
		problem("kafka", "names no broker", "write brokers: [host:9092]")
	case k.Embedded != "" && (k.TLS != nil || k.SASL != nil):
		problem("kafka", "the embedded broker has neither tls nor sasl", "remove them")
	}
	for i, b := range k.Brokers {
		if !brokerAddress.MatchString(b) {
			problem(fmt.Sprintf("kafka.brokers[%d]", i), fmt.Sprintf("%q is no host:port", b), "write one like kafka-1:9092")
		}
	}
	s.connection = kafka.Connection{Brokers: k.Brokers}
	if k.TLS != nil {
		s.connection.TLS = &kafka.TLS{
			CAFile:     within(dir, k.TLS.CAFile),
			CertFile:   within(dir, k.TLS.CertFile),
			KeyFile:    within(dir, k.TLS.KeyFile),
			ServerName: k.TLS.ServerName,
		}
		if (k.TLS.CertFile == "") != (k.TLS.KeyFile == "") {
			problem("kafka.tls", "has one of cert_file and key_file", "give both or none")
		}
	}
	if k.SASL != nil {
		// The password itself is read when it is needed: check proves the files
		// where the secrets are not.
		if (k.SASL.Password.Env == "") == (k.SASL.Password.File == "") {
			problem("kafka.sasl.password", "names neither an environment variable nor a file, or both", "write {env: NAME} or {file: PATH}")
		}
		s.connection.SASL = &kafka.SASL{Mechanism: k.SASL.Mechanism, Username: k.SASL.Username}
	}
}

var brokerAddress = regexp.MustCompile(`^(\[[0-9a-fA-F:]+\]|[^\s:/]+):[0-9]{1,5}$`)

func (s secret) read(dir string) (string, error) {
	if s.Env != "" {
		value, ok := os.LookupEnv(s.Env)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set; set it", s.Env)
		}
		return value, nil
	}
	data, err := os.ReadFile(within(dir, s.File))
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// within reads a path of the configuration as relative to the project.
func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func month(name string) time.Month {
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(m.String(), name) {
			return m
		}
	}
	return time.January
}

var sizeText = regexp.MustCompile(`^([0-9]+)(B|KB|MB|GB|KiB|MiB|GiB)?$`)

// parseSize reads 256MB. The units are powers of two, whichever way they are
// written: memory is meant.
func parseSize(s string) (int64, bool) {
	m := sizeText.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 40)
	if err != nil {
		return 0, false
	}
	switch m[2] {
	case "KB", "KiB":
		n <<= 10
	case "MB", "MiB":
		n <<= 20
	case "GB", "GiB":
		n <<= 30
	}
	return n, true
}

func formatSize(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%dGB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%dMB", n>>20)
	default:
		return fmt.Sprintf("%dKB", n>>10)
	}
}
