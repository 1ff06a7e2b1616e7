package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

// scripted yields chunks in turn and then waits like an idle topic.
type scripted struct {
	chunks [][]Chunk
	ends   map[Partition]int64
	gone   Partition // has an end the first time alone
	err    error     // returned once, behind the chunks
}

func (s *scripted) Read(ctx context.Context) ([]Chunk, error) {
	if len(s.chunks) > 0 {
		next := s.chunks[0]
		s.chunks = s.chunks[1:]
		return next, nil
	}
	if err := s.err; err != nil {
		s.err = nil
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(100 * time.Millisecond):
		return nil, nil
	}
}

func (s *scripted) Ends(context.Context) (map[Partition]int64, error) {
	ends := maps.Clone(s.ends)
	delete(s.ends, s.gone) // from the second call on
	return ends, nil
}

var p0 = Partition{Topic: "shop", Partition: 0}

// orders is a chunk of n sound records from an offset on.
func orders(p Partition, from int64, n int) Chunk {
	c := Chunk{Partition: p, First: from, Next: from + int64(n)}
	for i := range n {
		c.Records = append(c.Records, Record{Offset: from + int64(i), Value: []byte(event(`{"order_id":"a"}`))})
	}
	return c
}

// collect runs an ingester to its end and returns what its batches accounted
// for, each as text.
func collect(ctx context.Context, t *testing.T, cfg Config, reader Reader, once bool) ([]string, error) {
	t.Helper()
	cfg.Contracts = testContracts(t)
	in, err := New(cfg, reader)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan *Batch)
	var got []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := range out {
			line := ""
			for i := range b.Accounts {
				a := &b.Accounts[i]
				if !a.Balanced() {
					t.Errorf("account %+v is not balanced", a)
				}
				line += fmt.Sprintf("%d@%d-%d:%d/%d/%d ", a.Partition.Partition, a.First, a.Next, a.Loaded, a.Quarantined, a.Tombstones)
			}
			got = append(got, line)
			b.Release()
		}
	}()
	err = in.Run(ctx, once, out)
	close(out)
	<-done
	return got, err
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("batches %q, want %q", got, want)
	}
}

func TestBatchesCloseByRows(t *testing.T) {
	t.Parallel()
	reader := &scripted{
		chunks: [][]Chunk{{orders(p0, 10, 5)}, {orders(p0, 15, 4)}},
		ends:   map[Partition]int64{p0: 19},
	}
	got, err := collect(t.Context(), t, Config{MaxRows: 4, Place: Place{Offsets: map[Partition]int64{p0: 10}}}, reader, true)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "0@10-14:4/0/0 ", "0@14-18:4/0/0 ", "0@18-19:1/0/0 ")
}

func TestBatchesCloseByBytes(t *testing.T) {
	t.Parallel()
	size := len(orders(p0, 0, 1).Records[0].Value)
	reader := &scripted{chunks: [][]Chunk{{orders(p0, 0, 3)}}, ends: map[Partition]int64{p0: 3}}
	got, err := collect(t.Context(), t, Config{MaxBytes: size + 1}, reader, true)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "0@0-2:2/0/0 ", "0@2-3:1/0/0 ")
}

func TestBatchesCloseByAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		reader := &scripted{chunks: [][]Chunk{{orders(p0, 0, 1)}, nil, {orders(p0, 1, 1)}, nil, nil, nil, nil}}
		got, err := collect(ctx, t, Config{MaxAge: 2 * time.Second}, reader, false)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, "0@0-2:2/0/0 ")
	})
}

// What was read when the process is told to stop is handed on before it does.
func TestStopHandsOnTheOpenBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		got, err := collect(ctx, t, Config{MaxAge: time.Hour}, &scripted{chunks: [][]Chunk{{orders(p0, 0, 2)}}}, false)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, "0@0-2:2/0/0 ")
	})
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	p1 := Partition{Topic: "shop", Partition: 1}
	mixed := Chunk{Partition: p1, First: 3, Next: 12, Records: []Record{
		{Offset: 4, Value: []byte(event(`{"order_id":"a"}`))},
		{Offset: 5, Value: []byte(`{}`)},
		{Offset: 9, Value: nil, Key: []byte("k")},
		{Offset: 10, Value: []byte{}},
	}}
	reader := &scripted{
		chunks: [][]Chunk{
			{{Partition: p0, First: 7, Next: 7}},        // where a new partition begins
			{{Partition: p0, First: 7, Next: 7}},        // nothing moved
			{mixed, {Partition: p0, First: 7, Next: 9}}, // markers alone move the position
			{orders(p0, 9, 1), {Partition: p1, First: 12, Next: 12}},
		},
		ends: map[Partition]int64{p0: 10, p1: 12},
	}
	got, err := collect(t.Context(), t, Config{}, reader, true)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "0@7-10:1/0/0 1@3-12:1/2/1 ")
}

func TestOnceEndsWhereNothingIsNew(t *testing.T) {
	t.Parallel()
	place := Place{Offsets: map[Partition]int64{p0: 5}}
	got, err := collect(t.Context(), t, Config{Place: place}, &scripted{ends: map[Partition]int64{p0: 5}}, true)
	if err != nil || len(got) > 0 {
		t.Errorf("batches %q, error %v; want neither", got, err)
	}
}

func TestReaderErrorEndsTheRun(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := collect(t.Context(), t, Config{}, &scripted{err: broken}, false)
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

// A partition that can't be read doesn't keep the others from being read, and
// a run that is to reach every end fails rather than wait for it.
func TestUnreadablePartition(t *testing.T) {
	t.Parallel()
	unreadable := &UnreadableError{Topic: "shop", Partition: 1, Err: errors.New("damaged")}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		reader := &failsFirst{scripted{chunks: [][]Chunk{{orders(p0, 0, 2)}}, err: nil}, unreadable}
		var told error
		got, err := collect(ctx, t, Config{Unreadable: func(err *UnreadableError) { told = err }}, reader, false)
		if err != nil || !errors.Is(told, unreadable) {
			t.Fatalf("error %v, told %v", err, told)
		}
		equal(t, got, "0@0-2:2/0/0 ")
	})
	p1 := Partition{Topic: "shop", Partition: 1}
	reader := &failsFirst{scripted{chunks: [][]Chunk{{orders(p0, 0, 2)}}, ends: map[Partition]int64{p0: 2, p1: 9}}, unreadable}
	got, err := collect(t.Context(), t, Config{}, reader, true)
	if !errors.Is(err, unreadable) {
		t.Errorf("error %v, want %v", err, unreadable)
	}
	equal(t, got, "0@0-2:2/0/0 ")
}

// Where a partition begins is handed on even if there is nothing to read yet:
// with start latest the next run would otherwise begin behind what came since.
func TestOnceHandsOnWherePartitionsBegin(t *testing.T) {
	t.Parallel()
	reader := &scripted{chunks: [][]Chunk{{{Partition: p0, First: 0, Next: 0}}}, ends: map[Partition]int64{p0: 0}}
	got, err := collect(t.Context(), t, Config{}, reader, true)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "0@0-0:0/0/0 ")
}

// A topic that is deleted in the middle has no end to be waited for.
func TestOnceEndsWhereATopicGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p1 := Partition{Topic: "gone"}
		reader := &scripted{chunks: [][]Chunk{{orders(p0, 0, 1)}}, ends: map[Partition]int64{p0: 1, p1: 5}, gone: p1}
		got, err := collect(t.Context(), t, Config{}, reader, true)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, "0@0-1:1/0/0 ")
	})
}

// Of a topic that was made anew its new life is waited for.
func TestRenewEnds(t *testing.T) {
	t.Parallel()
	old, renewed, other := Partition{Topic: "a"}, Partition{Topic: "a", Epoch: 1}, Partition{Topic: "b"}
	ends := map[Partition]int64{old: 9, p0: 3}
	RenewEnds(ends, map[Partition]int64{renewed: 0, p0: 5, other: 1})
	if want := (map[Partition]int64{renewed: 0, p0: 3}); !maps.Equal(ends, want) {
		t.Errorf("ends %v, want %v", ends, want)
	}
}

// A reader that leaves something out is not believed.
func TestReaderMustNotSkip(t *testing.T) {
	t.Parallel()
	_, err := collect(t.Context(), t, Config{}, &scripted{chunks: [][]Chunk{{orders(p0, 0, 2)}, {orders(p0, 5, 2)}}}, false)
	if err == nil {
		t.Error("offsets 2 to 4 were left out and nobody said so")
	}
}

// failsFirst returns an error before its chunks.
type failsFirst struct {
	scripted
	first error
}

func (f *failsFirst) Read(ctx context.Context) ([]Chunk, error) {
	if err := f.first; err != nil {
		f.first = nil
		return nil, err
	}
	return f.scripted.Read(ctx)
}
