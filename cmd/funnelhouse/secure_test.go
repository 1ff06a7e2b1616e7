package main

import (
	"crypto/tls"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/funnelhouse/funnelhouse/internal/certtest"
)

// The configuration reaches brokers that encrypt and ask for a password, with
// the password from a file or the environment; a wrong one is said to be that.
func TestEncryptedBroker(t *testing.T) {
	t.Setenv("FUNNELHOUSE_TEST_PASSWORD", "right")
	ca := certtest.New(t)
	_, _, pair := ca.Sign(t, "127.0.0.1")
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, demoTopic), kfake.EnableSASL(),
		kfake.Superuser("SCRAM-SHA-512", "funnelhouse", "right"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DialTLSConfig(&tls.Config{InsecureSkipVerify: true}),
		kgo.SASL(scram.Auth{User: "funnelhouse", Pass: "right"}.AsSha512Mechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: demoTopic, Value: created("L-1", "")}).FirstErr(); err != nil {
		t.Fatal(err)
	}

	project := func(password string) string {
		dir := t.TempDir()
		write(t, dir, "password", "right\n")
		write(t, dir, configFile, fmt.Sprintf(`kafka:
  brokers: [%s]
  tls: {ca_file: %s}
  sasl: {mechanism: SCRAM-SHA-512, username: funnelhouse, password: %s}
`, cluster.ListenAddrs()[0], ca.File, password))
		return dir
	}
	for _, password := range []string{"{env: FUNNELHOUSE_TEST_PASSWORD}", "{file: password}"} {
		dir := project(password)
		must(t, dir, "ingest", "--once")
		same(t, password, ask(t, dir, "select lead_id from raw.lead_created_v1"), "L-1")
	}
	refuses(t, project("{env: HOME}"), exitFailure, []string{cluster.ListenAddrs()[0], "password"}, "ingest", "--once")
	refuses(t, project("{env: FUNNELHOUSE_NOT_SET}"), exitUsage, []string{"funnelhouse.yaml", "FUNNELHOUSE_NOT_SET"}, "ingest", "--once")
	must(t, project("{env: FUNNELHOUSE_NOT_SET}"), "check")
}
