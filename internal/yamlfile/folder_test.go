package yamlfile

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
)

func TestReadFolder(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"things/b.yaml": {Data: []byte("b")}, "things/a.yaml": {Data: []byte("a")}, "things/c.yml": {}, "things/notes.md": {},
		"things/d.yaml/e.yaml": {}, "root.yaml": {},
	}
	list, problems, err := ReadFolder(files, "things", "thing")
	if err != nil || len(list) != 2 || list[0].Path != "things/a.yaml" || string(list[1].Data) != "b" {
		t.Errorf("got %v, %v", list, err)
	}
	if len(problems) != 1 || problems[0].Error() != "things/c.yml: the file of a thing ends in .yaml; rename it to things/c.yaml" {
		t.Errorf("got %v", problems)
	}
	if list, _, err := ReadFolder(files, ".", "thing"); err != nil || len(list) != 1 || list[0].Path != "root.yaml" {
		t.Errorf("the root: got %v, %v", list, err)
	}
	if _, _, err := ReadFolder(files, "other", "thing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: got %v", err)
	}
}

func TestScalarText(t *testing.T) {
	t.Parallel()
	var values []any
	if _, err := Decode("x.yaml", []byte(`[text, 12, -3, 1.50, 1e6, 1e21, 0.1, true, "007", null, [1], {a: 1}]`), &values); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"text", "12", "-3", "1.5", "1000000", "1000000000000000000000", "0.1", "true", "007"} {
		if got, ok := ScalarText(values[i]); !ok || got != want {
			t.Errorf("%v: got %q, %t, want %q", values[i], got, ok, want)
		}
	}
	for _, v := range values[9:] {
		if got, ok := ScalarText(v); ok {
			t.Errorf("%v: got %q", v, got)
		}
	}
}
