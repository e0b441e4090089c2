package datasets

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// classNames has the classes of the training split, which number those of the test split, too. There
// are none if the pictures have neither labels nor folders.
type classNames struct {
	names  []string       // sorted: numbers by value
	number map[string]int // class of a label's id
}

// listing numbers the classes, by labels or by folders. known has the classes of the training split. If
// it is nil, this is the training split.
func (s *shards) listing(known *classNames) (l listing, _ *classNames, err error) {
	if len(s.members) == 0 {
		return l, nil, fmt.Errorf("no pictures in the tar files (%s)", found{others: s.others}.what())
	}
	var labels []label
	if len(s.labels) > 0 {
		labels, err = s.labelled()
	} else {
		labels, err = s.folders(known)
	}
	if err != nil {
		return l, nil, err
	}
	if known == nil {
		known, l.notes = numbered(labels)
	}
	l.classes = known.names
	for i, lb := range labels {
		k, ok := known.number[lb.id()]
		switch {
		case len(known.names) == 0:
			k = -1
		case !ok:
			return l, nil, fmt.Errorf("%s in %s is of class %q, which the training split lacks (its classes: %s); "+
				"remove it, or add the class there",
				s.members[i].name, s.tars[s.members[i].tar].Name(), lb.text, joined(known.names, 5))
		}
		l.labels = append(l.labels, k)
	}
	l.paths = s.names(len(s.labels) > 0)
	return l, known, nil
}

// numbered returns the classes of labels, sorted. Labels such as 1 and 01 are one class, which is named
// by the number if its labels differ; a note says so.
func numbered(labels []label) (c *classNames, notes []string) {
	names, first := map[string]string{}, map[string]string{}
	for _, l := range labels {
		id := l.id()
		if _, ok := first[id]; !ok {
			names[id], first[id] = l.text, l.text
		}
		if first[id] != l.text {
			if names[id] = id; len(notes) == 0 {
				notes = append(
					notes,
					fmt.Sprintf("labels %s and %s are the same number, and one class", first[id], l.text),
				)
			}
		}
	}
	ids := sortedKeys(names)
	slices.SortStableFunc(ids, byNumber)
	c = &classNames{number: map[string]int{}}
	if len(ids) == 1 && ids[0] == "" { // loose pictures
		return c, notes
	}
	for k, id := range ids {
		c.names, c.number[id] = append(c.names, names[id]), k
	}
	return c, notes
}

// byNumber compares numbers by value and other words as strings.
func byNumber(a, b string) int {
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	if err1 == nil && err2 == nil && x != y {
		return x - y
	}
	return strings.Compare(a, b)
}

// folders returns the class folder of each picture. It is the first folder below those that all
// pictures have in common, as torchvision would find it. A top folder with the name of the tar file is
// not a class. The label of a loose picture is empty.
func (s *shards) folders(known *classNames) ([]label, error) {
	above := make([][]string, len(s.members)) // folders of each picture
	loose := ""
	for i, m := range s.members {
		if dir := path.Dir(m.name); dir != "." {
			above[i] = strings.Split(strings.TrimPrefix(dir, "/"), "/")
		}
		if len(above[i]) > 1 && above[i][0] == s.base(m) {
			above[i] = above[i][1:]
		}
		if len(above[i]) == 0 {
			loose = m.name
		}
	}
	labels := make([]label, len(s.members))
	level := classLevel(above)
	for i, dirs := range above {
		if len(dirs) == 0 {
			continue
		}
		if loose != "" {
			return nil, fmt.Errorf("%s lies in no folder, and %s does; want all in class folders, or none",
				loose, s.members[i].name)
		}
		labels[i].text = dirs[level]
		for _, d := range dirs {
			if known != nil && slices.Contains(known.names, d) {
				labels[i].text = d
				break
			}
		}
	}
	if known != nil && len(known.names) > 0 && loose != "" {
		return nil, errors.New("the pictures have neither labels nor folders, unlike those of the training split")
	}
	return labels, nil
}

// classLevel returns the depth of the class folders: the first at which the folders of the pictures
// differ, or the last one of the shortest path.
func classLevel(above [][]string) int {
	for level := 0; ; level++ {
		for _, dirs := range above {
			if len(dirs) <= level+1 || dirs[level] != above[0][level] {
				return level
			}
		}
	}
}

// names returns the names of the pictures: keys, or paths of pictures in folders. If two have the same
// name, the name of the tar file precedes all of them.
func (s *shards) names(keys bool) []string {
	out, seen, twice := make([]string, len(s.members)), map[string]bool{}, false
	for i, m := range s.members {
		if out[i] = m.name; keys {
			out[i] = strings.TrimSuffix(m.name, path.Ext(m.name))
		}
		twice = twice || seen[out[i]]
		seen[out[i]] = true
	}
	for i, m := range s.members {
		if twice {
			out[i] = s.base(m) + ".tar/" + out[i]
		}
	}
	return out
}
