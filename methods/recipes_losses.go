package methods

import "github.com/icl-msr/icl-msr/nets"

// predicting is what methods with a predictor or its like have.
func predicting(recipe string) []Setting {
	switch recipe {
	case "byol":
		return from(htdt+"cfg.py and methods/byol.py", "momentum-target", "0.99", option("ema"), "1",
			option("predictor_hidden"), "1024", option("predictor_bias"), "0", option("predictor_steady"), "0")
	case "simsiam":
		h := headForm{hidden: 2048, dim: 2048, layers: 3, bias: nets.NoBias, last: nets.NonAffine}
		return append(append(h.rows(simSiamAt+"simsiam/builder.py"), from(simSiamAt+"simsiam/builder.py",
			option("predictor_hidden"), "512", option("predictor_bias"), "3", option("view_norm"), "2")...),
			append(from(simSiamAt+"README: fix-pred-lr", option("predictor_steady"), "1"),
				lacking(simSiamAt+"simsiam/builder.py", zeroResidual)...)...)
	case "directpred":
		return append(from(luck+"README", option("rho"), "0.3", option("eps"), "0.01"),
			from(luck+"config/byol_config.yaml", "momentum-target", "0.996", option("ema"), "0")...)
	}
	return kernels()
}

// kernels is SSL-HSIC's: its loss, target network and predictor.
func kernels() []Setting {
	out := from(hsicCode+"config.py", option("gamma"), "3")
	out = append(out, from(hsicCode+"kernels.py: at the start", option("width"), "1")...)
	out = append(out, from(hsicCode+"experiment.py: the README's 74.8 has it, Table 3's 72.2 may be without it",
		option("target"), "1")...)
	out = append(out, from(hsicCode+"experiment.py", "momentum-target", "0.99", option("ema"), "1")...)
	out = append(out, from(Ours+": as the baseline's BYOL", option("predictor_hidden"), "1024",
		option("predictor_bias"), "0", option("predictor_steady"), "0")...)
	return append(out, lacking(hsicCode+"experiment.py and kernels.py",
		"a learnt width of the kernel, by Adam with a rate of 3e-4",
		"512 random Fourier features: the kernel is exact here",
		"the moving average of the weights, 0.999, that is evaluated")...)
}

// zeroResidual is what residual blocks lack.
const zeroResidual = "zeros for the last batch norms of residual blocks at the start"

// cropAndFlip is CMC's augmentation: jitter and gray would leave its colours a, b
// without meaning.
func cropAndFlip() []Setting {
	return from(cmcCode+"train_CMC.py", "augment-option jitter", "0", "augment-option gray", "0",
		"augment-option blur", "0", "augment-option solarize", "0")
}

// crossView is CMC's.
func crossView(set string) []Setting {
	tau := "0.07"
	if set == "stl10" {
		tau = "0.1"
	}
	return append(from(cmcCode+"README", "temperature", tau), lacking(cmcCode+"NCE/NCEAverage.py",
		"the memory bank, with momentum 0.5 and 4096 sampled negatives: the batch has the negatives")...)
}

// patches are CPC's. Its version 2 has no code by its authors, but its paper has the
// loss as a program.
func patches() []Setting {
	const paper = "arXiv 1905.09272"
	return append(append(from(Ours+": of the do-loss alone", "temperature", "0.1"),
		from(paper+", algorithm 1", option("offset"), "3", option("scale"), "0.1", option("blocks"), "5")...),
		append(lacking(paper, "layer norms in the backbone", "colour dropping and flips of each patch by itself",
			"predictions in four directions: downwards alone here"),
			lacking(Unchecked+paper, "Adam's first decay of 0.8, gradients clipped at 0.01")...)...)
}

// swapped is SwAV's. Where the batch is small it has a queue, as the authors' scripts
// with 256 pictures have.
func swapped(set string) []Setting {
	out := from(swavCode+"main_swav.py", "temperature", "0.1", option("epsilon"), "0.05", option("iterations"), "3",
		"prototypes", "3000")
	out = append(out, Setting{option("view_norm"), "3",
		swavCode + "src/resnet50.py: views of one size in one batch, all in the head"})
	if !small(set) {
		return append(out, from(swavCode+"scripts/swav_800ep_pretrain.sh", "queue", "0", option("small_views"), "6",
			option("frozen"), "313", option("queue_from"), "0")...)
	}
	return append(append(out, from(solo+"cifar/swav.yaml", option("small_views"), "0", "queue", "3840",
		option("queue_from"), "0.05")...),
		from(swavCode+"scripts/swav_400ep_bs256_pretrain.sh", option("frozen"), "5005")...)
}

// redundancy is what Barlow Twins and VICReg have. Their weights are tuned for three
// wide layers, so that the head is theirs in both defaults.
func redundancy(recipe, set string) []Setting {
	width := 8192
	source := map[string]string{"barlow_twins": barlowCode, "vicreg": vicregCode}[recipe]
	ofWidth := source
	if small(set) {
		width = 2048
		ofWidth = solo + map[string]string{"barlow_twins": "cifar/barlow.yaml", "vicreg": "cifar/vicreg.yaml"}[recipe]
	}
	h := headForm{hidden: width, dim: width, layers: 3, bias: nets.NoBias}
	if recipe == "vicreg" {
		h.bias = nets.HiddenBias
	}
	out := over(h.rows(source), from(ofWidth, "hidden", number(float64(width)), "dim", number(float64(width)))...)
	out = append(out, Setting{option("view_norm"), "2", source})
	out = append(out, lacking(source, zeroResidual)...)
	if recipe == "vicreg" {
		return append(out, from(source, option("invariance"), "25", option("variance"), "25", option("covariance"), "1")...)
	}
	return append(out, Setting{option("off_diagonal"), "0.0051", source})
}
