package yamlfile

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// File is a file as it was read.
type File struct {
	Path string // from the root of the files
	Data []byte
}

// ReadFolder reads the .yaml files of a folder, in the order of their names.
// kind is what one of them holds, for messages. Other files are left alone, but
// a .yml, which would be passed over in silence, is a Problem.
func ReadFolder(files fs.FS, folder, kind string) (list []File, problems []error, err error) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return nil, nil, fmt.Errorf("list %ss: %w", kind, err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		name := path.Join(folder, entry.Name())
		switch path.Ext(name) {
		case ".yaml":
			data, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, nil, fmt.Errorf("read %s %s: %w", kind, name, err)
			}
			list = append(list, File{Path: name, Data: data})
		case ".yml":
			problems = append(problems, &Problem{
				Path: name, Message: "the file of a " + kind + " ends in .yaml", Fix: "rename it to " + strings.TrimSuffix(name, ".yml") + ".yaml",
			})
		}
	}
	return list, problems, nil
}
