package train

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// keys lists the settings of config.yaml in the order of the flags. Settings that it does not list follow, in the order
// of Config's fields.
func keys() []string {
	return strings.Fields(`
		method msr lambda gamma weights uniformity-t alpha beta msr-space meta-grad meta-every msr-ablation gamma-balance
		msr-trunk msr-width arch width stem hidden dim temperature momentum-target queue prototypes method-option
		dataset data-dir foreground-dir unlabelled train-variant classes val-labels bad-pictures depth16 count
		correlation data-seed augment augment-option augment-on keep-on-device scaled-decode size
		intervene intervene-option masks mask-dir strata
		epochs batch-size micro-batch checkpoint-activations optimizer lr scale-lr weight-decay momentum schedule warmup
		drops drop-gamma seed init init-partial init-prefix sync-batch-norm threads workers device precision
		deterministic save-every eval-every eval-epochs save-after`)
}

// inOrder sorts a mapping's entries by their place in keys.
func inOrder(n *yaml.Node, keys []string) *yaml.Node {
	place := func(key string) int {
		if i := slices.Index(keys, key); i >= 0 {
			return i
		}
		return len(keys)
	}
	pairs := slices.Collect(slices.Chunk(n.Content, 2))
	slices.SortStableFunc(pairs, func(a, b []*yaml.Node) int { return place(a[0].Value) - place(b[0].Value) })
	n.Content = slices.Concat(pairs...)
	return n
}
