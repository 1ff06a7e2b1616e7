// Package durable writes files that a crash leaves whole or not at all: text
// reaches the disk before the name does, and the name before the call returns.
// One process writes to a folder; readers may be many.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteNew writes a file once: a file of that name is never replaced and makes
// the error fs.ErrExist.
func WriteNew(path string, data []byte) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "write", Path: path, Err: fs.ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// A name that begins with a dot is nobody's record: what a crash leaves
	// behind is written over by the next try.
	folder, name := filepath.Split(path)
	beside := filepath.Join(folder, "."+name+".new")
	if err := Write(beside, data); err != nil {
		return err
	}
	return Rename(beside, path)
}

// Write writes a file of any content before, and returns once the disk has it.
// It may be torn by a crash: use it for names that only a Rename makes count.
func Write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Rename gives a file its name and returns once the disk has that.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return Sync(filepath.Dir(to))
}

// MkdirAll makes a folder and those above it that are missing, and returns
// once the disk has them.
func MkdirAll(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		return fmt.Errorf("make the folder %s: a file is in its place; move it away", path)
	}
	above := filepath.Dir(path)
	if above != path {
		if err := MkdirAll(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return Sync(above)
}

// Sync returns once the disk has what a file or a folder holds, whoever wrote
// it.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
