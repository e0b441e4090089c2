// Package suggest looks up words that a user types, and suggests the nearest known word for an unknown one.
package suggest

import (
	"strings"

	"github.com/agext/levenshtein"

	"github.com/icl-msr/icl-msr/internal/field"
)

// Nearest returns the known word that is most like word; "" if none is similar.
func Nearest(word string, known []string) string {
	best, score := "", 0.5
	for _, k := range known {
		if sim := levenshtein.Similarity(strings.ToLower(word), strings.ToLower(k), nil); sim > score {
			best, score = k, sim
		}
	}
	return best
}

// Unknown is the error of an unknown word: one line with the nearest known word and with all of them. kind may name a
// setting as {package.Field}.
func Unknown(kind, word string, known []string) error {
	list := strings.Join(known, ", ")
	if near := Nearest(word, known); near != "" {
		return field.Errorf("unknown "+kind+" %q; did you mean %q? known: %s", word, near, list)
	}
	return field.Errorf("unknown "+kind+" %q; known: %s", word, list)
}
