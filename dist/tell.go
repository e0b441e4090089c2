package dist

import (
	"io"
	"os"
	"regexp"
	"strings"
)

// errorsFD is where a process that Spawn started writes its error, for Spawn to
// print what all say alike once.
const errorsFD = 3

// Tell hands the error that this process ends with to the one that spawned it;
// false: there is none, or it is gone.
func Tell(text string) bool {
	if !Spawned() {
		return false
	}
	_, err := io.WriteString(os.NewFile(errorsFD, "errors"), text)
	return err == nil
}

// told reads what a process tells, until it ends.
func told(r io.ReadCloser) string {
	const most = 1 << 16
	defer r.Close()
	text, _ := io.ReadAll(io.LimitReader(r, most)) // what there is, is told
	return string(text)
}

var (
	stopped = regexp.MustCompile(`^rank \d+: stopped: `)
	failed  = regexp.MustCompile(`^rank \d+ failed: `)
)

// notAnswering is what ranks tell of one that is gone.
const notAnswering = "does not answer"

// once takes, of what the ranks told in their order, what says more than the
// others: a rank that stopped because of another one tells its error again. lost
// says that a rank was ended by a signal, which is told by itself.
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

// contained reports whether one of the texts holds another, or is held by it.
func contained(text string, others []string) bool {
	for _, o := range others {
		if strings.Contains(o, text) || strings.Contains(text, o) {
			return true
		}
	}
	return false
}
