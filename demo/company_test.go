package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func TestActIsRepeatable(t *testing.T) {
	t.Parallel()
	act := func(seed uint64) *Year {
		y, err := Act(Config{Leads: 500, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	a, b, other := act(1), act(1), act(2)
	if fmt.Sprint(a.Books) != fmt.Sprint(b.Books) || len(a.Messages) != len(b.Messages) {
		t.Error("the same seed gives another year")
	}
	for i := range a.Messages {
		if !bytes.Equal(a.Messages[i].Value, b.Messages[i].Value) {
			t.Fatalf("message %d differs", i)
		}
	}
	if fmt.Sprint(a.Books) == fmt.Sprint(other.Books) {
		t.Error("another seed gives the same year")
	}
}

// The books account for every message, and the year is one of a plausible
// company: every channel and month has leads, and the good channels win more.
func TestBooks(t *testing.T) {
	t.Parallel()
	y, err := Act(Config{Zone: time.FixedZone("", 8*3600)})
	if err != nil {
		t.Fatal(err)
	}
	books := y.Books
	if got := books.Events + books.Broken + books.Tombstones; got != len(y.Messages) {
		t.Errorf("%d messages, %d in the books", len(y.Messages), got)
	}
	valid := 0
	for i, m := range y.Messages {
		if i > 0 && m.At.Before(y.Messages[i-1].At) {
			t.Fatalf("message %d is sent before the one ahead of it", i)
		}
		if json.Valid(m.Value) {
			valid++
		}
	}
	if valid < books.Events {
		t.Errorf("%d messages are JSON, %d are valid events", valid, books.Events)
	}
	if len(books.Cohorts) != 12 || len(books.Channels) != len(channels) {
		t.Errorf("cohorts %v, channels %v", books.Cohorts, books.Channels)
	}
	leads := 0
	for _, c := range books.Channels {
		leads += c.Leads
	}
	if leads < 18_000 || leads > 22_000 {
		t.Errorf("%d leads, about 20,000 were asked for", leads)
	}
	rate := func(name string) float64 {
		return float64(books.Channels[name].Won) / float64(books.Channels[name].Leads)
	}
	if rate("referral") < 2*rate("cold_call") || books.Duplicates == 0 || books.Broken == 0 || books.Tombstones == 0 {
		t.Errorf("books %+v", books)
	}
	if _, err := Act(Config{Leads: -1}); err == nil {
		t.Error("a company of -1 leads acted")
	}
}
