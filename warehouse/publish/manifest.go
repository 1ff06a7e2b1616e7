package publish

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Manifest says what a build holds. It is the file manifest.json.
type Manifest struct {
	Build     string    `json:"build"`       // its name, which is the time at which it was begun
	BuiltAt   time.Time `json:"built_at"`    // UTC
	AsOf      string    `json:"as_of"`       // the business day as of which metric values hold
	Zone      string    `json:"zone"`        // in which business days begin
	Version   string    `json:"version"`     // of the program
	Project   string    `json:"project"`     // hash of the models' files
	UpToBatch int64     `json:"up_to_batch"` // the last batch that models were built from
	Offsets   []Offset  `json:"offsets"`     // up to where that batch and those before had read the topics
	Files     []File    `json:"files"`
	LeftOut   []LeftOut `json:"left_out,omitempty"`
}

// LeftOut is a mart or a metric that is not in the build, with the reason.
type LeftOut struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Offset is the first offset of a partition that no mart holds yet.
type Offset struct {
	Topic     string `json:"topic"`
	Epoch     int32  `json:"epoch"`
	Partition int32  `json:"partition"`
	Next      int64  `json:"next_offset"`
}

// File is one file of a build.
type File struct {
	Path        string   `json:"path"` // within the build, with slashes
	Kind        string   `json:"kind"` // mart, metrics, dimension or database
	Table       string   `json:"table,omitempty"`
	Description string   `json:"description,omitempty"`
	Rows        int64    `json:"rows"`
	Bytes       int64    `json:"bytes"`
	SHA256      string   `json:"sha256"`
	Content     string   `json:"content"` // tells the same rows and columns from others, whatever their order
	Columns     []Column `json:"columns,omitempty"`
	// Stale: the last build of the mart's model failed, and these are the rows of
	// an earlier one.
	Stale bool `json:"stale,omitempty"`
}

// Column is one column of a file.
type Column struct {
	Name        string `json:"name"`
	Type        string `json:"type"` // as DuckDB writes it
	Description string `json:"description,omitempty"`
}

// Read reads the manifest of a build.
func Read(build string) (*Manifest, error) {
	data, err := os.ReadFile(filepath.Join(build, manifestFile))
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("read %s: %w", manifestFile, err)
	}
	return m, nil
}

// Verify holds every file of a build against its manifest.
func Verify(build string, m *Manifest) error {
	for i := range m.Files {
		f := &m.Files[i]
		sum, size, err := digest(filepath.Join(build, filepath.FromSlash(f.Path)))
		if err != nil {
			return err
		}
		if sum != f.SHA256 || size != f.Bytes {
			return fmt.Errorf("%s of build %s is not the file that its manifest names", f.Path, m.Build)
		}
	}
	return nil
}

func digest(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// file returns the manifest's entry of a path.
func (m *Manifest) file(path string) *File {
	if m == nil {
		return nil
	}
	for i := range m.Files {
		if m.Files[i].Path == path {
			return &m.Files[i]
		}
	}
	return nil
}

func (m *Manifest) leaveOut(name, reason string) {
	m.LeftOut = append(m.LeftOut, LeftOut{Name: name, Reason: reason})
}

// same tells whether a build of these files would be this one again. Offsets
// alone make no new build: they move with every record, counted or not.
func (m *Manifest) same(files []*source, next *Manifest) bool {
	if m == nil || m.AsOf != next.AsOf || m.Zone != next.Zone || m.Version != next.Version || len(m.Files) != len(files)+1 ||
		!slices.Equal(m.LeftOut, next.LeftOut) {
		return false
	}
	for _, f := range files {
		if old := m.file(f.Path); old == nil || old.Content != f.Content || old.Stale != f.Stale {
			return false
		}
	}
	return true
}
