package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteNew(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := MkdirAll(dir); err != nil {
		t.Errorf("a folder that is there: %v", err)
	}
	path := filepath.Join(dir, "1.json")
	// What a crash left behind is in nobody's way.
	if err := os.WriteFile(filepath.Join(dir, ".1.json.new"), []byte("torn and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(path, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("written twice: %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "one" {
		t.Errorf("holds %q, %v", data, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := MkdirAll(filepath.Join(path, "c")); err == nil {
		t.Error("made a folder in a file")
	}
}

func TestSync(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("of somebody else"), 0o400); err != nil {
		t.Fatal(err)
	}
	for _, there := range []string{path, dir} {
		if err := Sync(there); err != nil {
			t.Error(err)
		}
	}
	if err := Sync(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what isn't there: %v", err)
	}
}
