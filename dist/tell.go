package dist

import (
	"io"
	"os"
	"regexp"
	"strings"
)

// errorsFD is the file descriptor to which a spawned process writes its error. Spawn then reports an error once that
// several ranks have.
const errorsFD = 3

// Tell passes the error that this process ends with to the process that spawned it. It is false if no such process is
// there.
func Tell(text string) bool {
	if !Spawned() {
		return false
	}
	_, err := io.WriteString(os.NewFile(errorsFD, "errors"), text)
	return err == nil
}

// told reads the error of a process until the process ends.
func told(r io.ReadCloser) string {
	const most = 1 << 16
	defer r.Close()
	text, _ := io.ReadAll(io.LimitReader(r, most)) // what was read counts
	return string(text)
}

var (
	stopped = regexp.MustCompile(`^rank \d+: stopped: `)
	failed  = regexp.MustCompile(`^rank \d+ failed: `)
)

// notAnswering is what ranks say of one that is gone.
const notAnswering = "does not answer"

// once drops repetitions from the errors of the ranks, in order of rank: a rank that stopped because of another one
// repeats its error. lost: a signal ended a rank, which Spawn reports itself.
func once(texts []string, lost bool) (out []string) {
	var hearts []string
	for _, text := range texts {
		heart := failed.ReplaceAllString(stopped.ReplaceAllString(text, ""), "")
		if text == "" || lost && strings.Contains(text, notAnswering) || contained(heart, hearts) {
			continue
		}
		out, hearts = append(out, text), append(hearts, heart)
	}
	return out
}

// contained reports whether text contains one of the others or is contained in one.
func contained(text string, others []string) bool {
	for _, o := range others {
		if strings.Contains(o, text) || strings.Contains(text, o) {
			return true
		}
	}
	return false
}
