package experiment

import "fmt"

// counted returns a count with its noun, for example "2 seeds".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// caption adds the number of seeds to a table's caption.
func caption(what string, seeds int) string {
	if seeds == 1 {
		return what + "; 1 seed, hence no spread and no interval"
	}
	return fmt.Sprintf("%s; %d seeds", what, seeds)
}

// figures explains the cells of a page's tables.
func figures(seeds int) string {
	if seeds == 1 {
		return "Top-1 in percent, of one seed. A single seed has no spread, " +
			"so that no difference here can be told from chance: --seeds 3 or more."
	}
	return "Top-1 in percent: mean ± standard deviation over seeds [95 % interval of the mean by Student's t]."
}

// chance explains how differences are tested and how easily they mislead.
func chance(seeds int) string {
	text := "Differences are paired by seed [95 % interval by Student's t]."
	switch {
	case seeds == 1:
		return "Differences are paired by seed."
	case seeds < 10:
		text += fmt.Sprintf(" %d seeds are too few for a claim.", seeds)
	}
	return text + " A p-value is corrected over its table's primary differences (Holm); the other intervals are not, " +
		"and of so many some leave 0 out by chance."
}

// seedsText counts seeds inside a sentence.
func seedsText(n int) string {
	if n == 1 {
		return "one seed"
	}
	return fmt.Sprintf("each of %d seeds", n)
}
