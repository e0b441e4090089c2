package methods

import (
	"cmp"
	"fmt"
)

// withKeys is what the methods with a moving-average target and a queue have. Batch
// norms in the head would tell a query its key, so that theirs has none.
func withKeys(recipe, set string) []Setting {
	out := append(from(moCo+"moco/builder.py", option("head_norm"), "0", option("head_last"), "0", option("view_norm"),
		"2"), lacking(moCo+"moco/builder.py", "shuffled batch norms for the keys")...)
	queue := from(on(moCoDemo, "cifar10", set), "queue", "4096", "momentum-target", "0.99", option("ema"), "0")
	if !small(set) {
		code := map[string]string{"infomin": pyContrast + "options/base_options.py", "pcl": pclCode + "main_pcl.py"}[recipe]
		queue = from(cmp.Or(code, moCo+"main_moco.py"), "queue", "65536", "momentum-target", "0.999", option("ema"), "0")
	}
	out = append(out, queue...)
	switch recipe {
	case "moco":
		tau := from(on(moCoDemo, "cifar10", set), "temperature", "0.1")
		if !small(set) {
			tau = from(moCo+"README", "temperature", "0.2")
		}
		return append(append(out, tau...), Setting{option("directions"), "1", moCo + "moco/builder.py"})
	case "infomin":
		return append(append(out, Setting{"temperature", "0.15", pyContrast + "options/base_options.py"},
			Setting{option("directions"), "1", pyContrast + "learning/contrast_trainer.py"}),
			lacking(pyContrast+"options/train_options.py", "the JigSaw branch, with half of the loss's weight")...)
	case "pcl":
		return append(out, clusterings(set)...)
	}
	return over(out, relations(set)...)
}

// reSSLSmall is the source of ReSSL on small data sets: its README links to that code,
// of which only copies could be read.
const reSSLSmall = Unchecked + "arXiv 2107.09282, as copies of the authors' code for small sets have it"

// relations are ReSSL's.
func relations(set string) []Setting {
	out := from(reSSL+"ressl.py", "temperature", "0.1", option("tau_teacher"), "0.04")
	if small(set) {
		rows, momentum := "4096", "0.99"
		if !ofCIFAR(set) {
			rows, momentum = "16384", "0.996"
		}
		return append(out, from(reSSLSmall, "queue", rows, "momentum-target", momentum, option("ema"), "0")...)
	}
	return append(out, from(reSSL+"network/ressl.py", "queue", "131072", "momentum-target", "0.999", option("ema"),
		"0")...)
}

// clusterings are PCL's: those of ImageNet in proportion to the pictures.
func clusterings(set string) []Setting {
	out := append(from(pclCode+"README", "temperature", "0.2"), from(pclCode+"main_pcl.py: 20 of 200 epochs",
		option("warmup"), "0.1")...)
	out = append(out, Setting{option("iterations"), "20", pclCode + "main_pcl.py"})
	if n := picturesOf(set); set == "imagenet" {
		out = append(out, Setting{"prototypes", "25000,50000,100000", pclCode + "main_pcl.py"})
	} else {
		out = append(out, Setting{"prototypes", fmt.Sprintf("%d,%d,%d", n/50, n/25, n/12), Ours +
			": the authors' for ImageNet, in proportion to the pictures"})
	}
	if !small(set) {
		out = append(out, Setting{"queue", "16384", pclCode + "main_pcl.py"})
	}
	return append(out, lacking(pclCode+"main_pcl.py and pcl/builder.py", "five starts of k-means",
		"16384 sampled negative clusters: all clusters are candidates",
		"one direction: both views are queries in turn")...)
}
