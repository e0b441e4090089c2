package datasets

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/pickle"
)

// cifar describes CIFAR-10 or CIFAR-100 (Krizhevsky 2009).
type cifar struct {
	name                  string
	binary, python        string   // folders of the published archives
	trainFiles, testFiles []string // without the ".bin" of the binary version
	labelBytes            int      // before each picture in the binary version; the last one is the label
	labels                string   // key of the labels in the Python version
	namesFile             string   // class names of the binary version, a line each
	metaFile, names       string   // pickle of the Python version that has the class names, and their key
	classes               int
}

func cifars() map[string]cifar {
	return map[string]cifar{
		"cifar10": {
			name:       "cifar10",
			binary:     "cifar-10-batches-bin",
			python:     "cifar-10-batches-py",
			trainFiles: []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"},
			testFiles:  []string{"test_batch"},
			labelBytes: 1,
			labels:     "labels",
			namesFile:  "batches.meta.txt",
			metaFile:   "batches.meta",
			names:      "label_names",
			classes:    10,
		},
		"cifar100": {
			name:       "cifar100",
			binary:     "cifar-100-binary",
			python:     "cifar-100-python",
			trainFiles: []string{"train"},
			testFiles:  []string{"test"},
			labelBytes: 2,
			labels:     "fine_labels",
			namesFile:  "fine_label_names.txt",
			metaFile:   "meta",
			names:      "fine_label_names",
			classes:    100,
		},
	}
}

const cifarSide = 32

// openCIFAR finds the binary or the Python version, in o.Dir or in the folder that the archive
// unpacks to.
func openCIFAR(o Options) (Dataset, error) {
	c := cifars()[o.Name]
	files := c.testFiles
	if o.Train {
		files = c.trainFiles
	}
	d := &memory{name: splitName(c.name, o.Train)}
	for _, dir := range []string{o.Dir, filepath.Join(o.Dir, c.binary), filepath.Join(o.Dir, c.python)} {
		for _, version := range []struct {
			suffix string
			read   func(d *memory, data []byte) error
			names  func(dir string) ([]string, error)
		}{{".bin", c.parseBinary, c.textNames}, {"", c.parsePickle, c.pickledNames}} {
			if !isFile(filepath.Join(dir, files[0]+version.suffix)) {
				continue
			}
			var err error
			if d.classes, err = version.names(dir); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			for _, name := range files {
				path := filepath.Join(dir, name+version.suffix)
				data, err := readFile(path)
				if err != nil {
					return nil, fmt.Errorf("%s: %w; fetch the archive again", c.name, err)
				}
				if err := version.read(d, data); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", c.name, path, err)
				}
			}
			return d, nil
		}
	}
	return nil, field.Errorf("%s: neither %s.bin nor %s is in %s, nor in %s or %s below it; "+
		"want as {datasets.Dir} the folder that the published archive was unpacked to",
		c.name, files[0], files[0], o.Dir, c.binary, c.python)
}

// textNames reads the class names of the binary version. If there is no file, CIFAR-10 has its known
// names, and CIFAR-100 has numbers.
func (c cifar) textNames(dir string) ([]string, error) {
	names, err := readLines(filepath.Join(dir, c.namesFile))
	switch {
	case err == nil && len(names) == c.classes:
		return names, nil
	case err == nil:
		return nil, fmt.Errorf("%s has %d names; want %d", filepath.Join(dir, c.namesFile), len(names), c.classes)
	case !os.IsNotExist(err):
		return nil, err
	case c.classes == 10:
		return []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}, nil
	}
	for i := range c.classes {
		names = append(names, fmt.Sprint(i))
	}
	return names, nil
}

// pickledNames reads the class names of the Python version.
func (c cifar) pickledNames(dir string) ([]string, error) {
	path := filepath.Join(dir, c.metaFile)
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return c.textNames(dir)
	}
	if err != nil {
		return nil, err
	}
	v, _, err := pickle.Read(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var names []string
	if d, ok := v.(*pickle.Dict); ok {
		if l, ok := d.Get(c.names); ok {
			if l, ok := l.(*pickle.List); ok {
				for _, n := range l.Items {
					switch n := n.(type) {
					case string:
						names = append(names, n)
					case pickle.Bytes:
						names = append(names, string(n))
					}
				}
			}
		}
	}
	if len(names) != c.classes {
		return nil, fmt.Errorf("%s has %d %s; want %d", path, len(names), c.names, c.classes)
	}
	return names, nil
}

// readLines returns the lines of a text file, without empty ones.
func readLines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if l := strings.TrimSpace(lines.Text()); l != "" {
			out = append(out, l)
		}
	}
	return slices.Clip(out), lines.Err()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
