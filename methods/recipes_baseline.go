package methods

import "github.com/icl-msr/icl-msr/nets"

// Sources of the baseline.
const (
	htdt     = "github.com/htdt/self-supervised, "
	icl      = "arXiv 2206.14702, section 6.2"
	simCLRv2 = "github.com/google-research/simclr, README and run.py"
)

// baselineRecipe is a recipe by the baseline: its training, head and views, with what
// defines the method.
func baselineRecipe(recipe, set string) []Setting {
	out := baselineTraining(set)
	out = append(out, baselineHead(recipe, set)...)
	out = over(out, definition(recipe, set)...)
	out = append(out, baselineViews(recipe, set)...)
	return over(out, whitening(recipe, set)...)
}

// baselineTraining is the same for all methods. On ImageNet, which the baseline did
// not run, the paper takes SimCLR v2's.
func baselineTraining(set string) []Setting {
	t := training{optimizer: "adam", lr: 0.003, decay: 1e-6, batch: 512, epochs: 1000, schedule: "step",
		drops: "50,25", gamma: 0.2}
	if !ofCIFAR(set) {
		t.lr = 0.002
	}
	ofEpochs := htdt + "README"
	switch set {
	case "stl10":
		t.epochs = 2000
	case "imagenet-100":
		ofEpochs = icl + " (240 in the baseline's README)"
	case "imagenet":
		return onImageNetAsV2()
	}
	out := t.rows(htdt+"cfg.py and train.py", set)
	return over(out, append(from(ofEpochs, "epochs", number(float64(t.epochs)), "lr", number(t.lr)),
		from(htdt+"train.py", "warmup", "500")...)...)
}

// onImageNetAsV2 is SimCLR v2's training (Chen et al. 2020b).
func onImageNetAsV2() []Setting {
	t := training{optimizer: "lars", lr: 0.3, per: 256, decay: 1e-4, batch: 4096, epochs: 800, schedule: "cosine",
		warmup: 10}
	return over(t.rows(simCLRv2+" ("+icl+", names SimCLR v2 for ImageNet)", "imagenet"),
		Setting{"epochs", "800", "arXiv 2006.10029"})
}

// baselineHead is Linear, batch norm, ReLU, Linear. The contrastive methods have a
// batch norm at its end.
func baselineHead(recipe, set string) []Setting {
	h := headForm{hidden: 1024, dim: 128, layers: 2, bias: nets.EveryBias}
	source := htdt + "model.py and README"
	switch {
	case ofCIFAR(set):
		h.dim = 64
	case set == "imagenet":
		h = headForm{hidden: 2048, dim: 128, layers: 3, bias: nets.NoBias}
		source = simCLRv2 + ", model_util.py"
	}
	out := h.rows(source)
	switch recipe {
	case "simclr":
		return over(out, from(htdt+"methods/contrastive.py", option("head_last"), "1", option("view_norm"), "1")...)
	case "dcl", "dclw", "lmcl", "relic":
		return over(out, from(Ours+": as the baseline's SimCLR", option("head_last"), "1", option("view_norm"), "1")...)
	case "cpc": // it has a context network for its head
		return over(nil, from(source, "hidden", number(float64(h.hidden)), "dim", number(float64(h.dim)))...)
	case "cmc": // one view: norms have nothing to take together
		return out
	case "byol":
		return append(out, Setting{option("view_norm"), "2", htdt + "methods/byol.py"})
	case "w_mse", WMSE2:
		return append(out, Setting{option("view_norm"), "1", htdt + "methods/w_mse.py"})
	}
	return append(out, Setting{option("view_norm"), "2", Ours + ": as the baseline's BYOL"})
}

// baselineViews are the baseline's views, on ImageNet the paper's own.
func baselineViews(recipe, set string) []Setting {
	a := augmentation{cropMin: 0.2, cropMax: 1, jitter: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1,
		gray: 0.1, flip: 0.5}
	source := htdt + "cfg.py"
	if !small(set) {
		a = strongViews()
		source = icl + "; " + htdt + "README and datasets/imagenet.py"
	}
	out := a.rows(source, set)
	if recipe == "cmc" {
		return over(out, cropAndFlip()...)
	}
	return out
}

// strongViews are SimCLR's on ImageNet.
func strongViews() augmentation {
	return augmentation{cropMin: 0.08, cropMax: 1, jitter: 0.8, brightness: 0.8, contrast: 0.8, saturation: 0.8,
		hue: 0.2, gray: 0.2, flip: 0.5, blur: 0.5}
}

// whitening is W-MSE's, whose authors made the baseline.
func whitening(recipe, set string) []Setting {
	size, rounds, source := "128", "1", htdt+"README"
	switch {
	case !small(set):
		size, source = "256", on(source, "imagenet-100", set)
	case !ofCIFAR(set):
		size, rounds = "256", "4"
	}
	switch recipe {
	case "w_mse": // W-MSE 4
		return from(source, "batch-size", "256", option("views"), "4", option("sub_batch"), size, option("iterations"),
			"1", option("epsilon"), "0")
	case WMSE2:
		return from(source, "batch-size", "512", option("views"), "2", option("sub_batch"), size, option("iterations"),
			rounds, option("epsilon"), "0")
	}
	return nil
}
