package reports

import (
	"slices"
	"time"
)

// Edition is one making of a report: what was written, for whom, and how far
// the mails have come. A period may have several; none replaces another.
type Edition struct {
	Report string `json:"report"`
	Period string `json:"period"` // its label
	Number int    `json:"edition"`
	// Occurrence is what it was made for; nil: somebody asked for it.
	Occurrence *Occurrence `json:"occurrence,omitempty"`
	MadeAt     time.Time   `json:"made_at"`
	AsOf       string      `json:"as_of"` // day
	Pages      []PageFile  `json:"pages"`
	Recipients []Recipient `json:"recipients"`
	// Lacking lists what it says of itself that it lacks, in English.
	Lacking []string `json:"lacking,omitempty"`

	attempts [][]Attempt // of each recipient
}

// PageFile is a page of an edition as it was written.
type PageFile struct {
	Language string    `json:"language"`
	Subject  string    `json:"subject"`
	HTML     FilePrint `json:"html"`
	Text     FilePrint `json:"text"`
}

// FilePrint tells whether a file is still what was written.
type FilePrint struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Recipient is a person whom an edition is mailed to.
type Recipient struct {
	Name     string `json:"name,omitempty"`
	Mail     string `json:"mail"`
	Language string `json:"language"`
	// MessageID is the mail's, the same at every try: a server or mail program
	// that has it already can tell.
	MessageID string `json:"message_id"`
}

// Attempt is one try to hand a mail to the server.
type Attempt struct {
	BegunAt time.Time
	// EndedAt is zero where the process ended while it was sending: the server
	// may have taken the mail.
	EndedAt time.Time
	Outcome Outcome
	Error   string

	running bool // by this process, now
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "sent"    // the server took it
	Failed   Outcome = "failed"  // may be tried again
	Refused  Outcome = "refused" // for good
)

// DeliveryState is how far a mail has come.
type DeliveryState string

// The states of a delivery.
const (
	StateWaiting DeliveryState = "waiting"
	StateSent    DeliveryState = "sent"
	StateFailed  DeliveryState = "failed" // nothing more is tried
)

// Delivery is how far an edition's mail to one recipient has come.
type Delivery struct {
	Recipient
	State    DeliveryState
	Attempts int
	At       time.Time // of the last attempt; zero: none yet
	Next     time.Time // while waiting; zero: at once
	Error    string    // of the last attempt, or why nothing more is tried
}

// Tries: the first pause is a minute, each one is twice as long, up to an hour,
// and the last try comes within a day of the first. A mail that was on its way
// when the process ended is sent once more and then no more, so that it comes
// twice at most.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
	tryFor       = 24 * time.Hour
	mayCutOff    = 2
)

// Deliveries tells how far the mails have come, in the order of Recipients.
func (e *Edition) Deliveries() []Delivery {
	list := make([]Delivery, len(e.Recipients))
	for i, r := range e.Recipients {
		list[i] = delivery(r, e.attempts[i])
	}
	return list
}

func delivery(r Recipient, attempts []Attempt) Delivery {
	d := Delivery{Recipient: r, State: StateWaiting, Attempts: len(attempts)}
	if len(attempts) == 0 {
		return d
	}
	last := attempts[len(attempts)-1]
	d.At, d.Error = last.BegunAt, last.Error
	cutOff := 0
	for _, a := range attempts {
		if a.EndedAt.IsZero() && !a.running {
			cutOff++
		}
	}
	switch {
	case last.running:
	case last.Outcome == Accepted:
		d.State = StateSent
	case last.Outcome == Refused:
		d.State = StateFailed
	case cutOff >= mayCutOff:
		d.State = StateFailed
		d.Error = "the process ended twice while it was sending; the mail may have arrived"
	case last.Outcome == Failed:
		d.Next = last.EndedAt.Add(pause(len(attempts)))
		if d.Next.Sub(attempts[0].BegunAt) > tryFor {
			d.State, d.Next = StateFailed, time.Time{}
			d.Error += "; given up after a day of tries"
		}
	default:
		d.Error = "the process ended while it was sending"
	}
	return d
}

// pause is how long to wait after so many tries.
func pause(tries int) time.Duration {
	p := firstPause
	for range tries - 1 {
		if p *= 2; p >= longestPause {
			return longestPause
		}
	}
	return p
}

// page returns the edition's page in a language; it was made in every language
// that a recipient has.
func (e *Edition) page(language string) *PageFile {
	for i := range e.Pages {
		if e.Pages[i].Language == language {
			return &e.Pages[i]
		}
	}
	return nil
}

// clone is for those who look at an edition while it is being delivered.
func (e *Edition) clone() *Edition {
	c := *e
	c.attempts = make([][]Attempt, len(e.attempts))
	for i, a := range e.attempts {
		c.attempts[i] = slices.Clone(a)
	}
	return &c
}
