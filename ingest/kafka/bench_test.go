package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkRead measures records a second on their way from the broker's
// answer to chunks; the broker, in the same process, serves one batch again
// and again, so its share is small.
func BenchmarkRead(b *testing.B) {
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		name := map[kgo.CompressionCodec]string{kgo.NoCompression(): "none", kgo.Lz4Compression(): "lz4", kgo.ZstdCompression(): "zstd"}[codec]
		b.Run(name, func(b *testing.B) {
			c := cluster(b, kfake.SeedTopics(2, "crm"), kfake.SyntheticFetch(kfake.SyntheticBatch{
				Records: 5000, RecordBytes: 300, RandomFrac: 0.2, Compression: codec,
			}))
			cfg := config(c.ListenAddrs(), source("crm", "crm"))
			cfg.RefreshEvery = time.Minute
			r := reader(b, cfg)
			if _, err := r.Read(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			n, bytes := 0, 0
			for n < b.N {
				chunks, err := r.Read(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				for i := range chunks {
					n += len(chunks[i].Records)
					for j := range chunks[i].Records {
						bytes += len(chunks[i].Records[j].Value)
					}
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
		})
	}
}

// BenchmarkEmbeddedOpen opens a directory that holds a million records, after
// an orderly end and after a kill.
func BenchmarkEmbeddedOpen(b *testing.B) {
	dir := b.TempDir()
	e, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	p := producer(b, []string{e.Addr()})
	createTopic(b, p, "crm", 4)
	start := time.Now()
	for i := range 100 {
		messages := make([]Message, 10_000)
		for j := range messages {
			messages[j] = Message{Key: fmt.Appendf(nil, "k%d", j), Value: fmt.Appendf(nil, `{"id":"%d-%d","type":"lead.created.v1","data":{"lead_id":"L-%d","channel":"web"}}`, i, j, j)}
		}
		if err := p.Produce(b.Context(), "crm", messages); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("wrote %.0f records/s", 1e6/time.Since(start).Seconds())
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	for _, killed := range []bool{false, true} {
		b.Run(map[bool]string{false: "ended", true: "killed"}[killed], func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				if killed {
					dropSnapshots(b, dir)
				}
				b.StartTimer()
				e, err := StartEmbedded(EmbeddedConfig{Dir: dir})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// dropSnapshots takes away what only an orderly end leaves.
func dropSnapshots(b *testing.B, dir string) {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "partitions", "*", "snapshot.json"))
	if err != nil || len(files) == 0 {
		b.Fatalf("no snapshots in %s: %v", dir, err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			b.Fatal(err)
		}
	}
}
