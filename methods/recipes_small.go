package methods

// onSmallSet is what a method changes of the baseline's settings.
func onSmallSet(method, set string) []Setting {
	switch method {
	case "simclr":
		return from(Baseline+"methods/contrastive.py, cfg.py", "temperature", "0.5", option("head_last"), "1",
			option("view_norm"), "1")
	case "dcl", "dclw", "lmcl", "relic":
		return from(Ours+": as the baseline's SimCLR", option("head_last"), "1", option("view_norm"), "1")
	case "byol":
		return from(Baseline+"methods/byol.py, cfg.py", "momentum-target", "0.99", option("ema"), "1",
			option("view_norm"), "2")
	case "w_mse":
		return whitened(set)
	case "simsiam":
		return append(simSiamHead("2048", "512"),
			from(Unchecked+"arXiv 2011.10566, CIFAR experiments (800 epochs there)", "optimizer", "sgd", "momentum",
				"0.9", "lr", "0.03", "scale-lr", "256",
				"weight-decay", "0.0005", "schedule", "cosine", "warmup", "0")...)
	case "barlow_twins", "vicreg":
		bias := map[string]string{"barlow_twins": "2", "vicreg": "1"}[method]
		return append(from(Ours+": a quarter of the authors' 8192, whose form it has", "hidden", "2048", "dim", "2048"),
			from(authorsCode(method), option("head_layers"), "3", option("head_bias"), bias, option("view_norm"), "2")...)
	case "moco", "infomin":
		return append(from("github.com/facebookresearch/moco, moco/builder.py", option("head_norm"), "0",
			option("directions"), "1", option("view_norm"), "2"),
			append(from(Unchecked+"arXiv 2003.04297", "temperature", "0.2"), from(Ours+": few steps, small data", "queue",
				"4096", "momentum-target", "0.99")...)...)
	case "cmc", "cpc": // one view: norms have nothing to take together
		return nil
	}
	return from(asBaseline, option("view_norm"), "2")
}

// whitened is W-MSE 4 of the baseline.
func whitened(set string) []Setting {
	size := "128"
	if set == "stl10" || set == "tiny-imagenet" {
		size = "256"
	}
	return append(from(Baseline+"README", option("views"), "4", "batch-size", "256", option("sub_batch"), size),
		from(Unchecked+Baseline+"methods/w_mse.py", option("view_norm"), "1")...)
}

func authorsCode(method string) string {
	return map[string]string{"barlow_twins": "github.com/facebookresearch/barlowtwins, main.py",
		"vicreg":  "github.com/facebookresearch/vicreg, main_vicreg.py",
		"moco":    "github.com/facebookresearch/moco, main_moco.py",
		"simsiam": "github.com/facebookresearch/simsiam, main_simsiam.py"}[method]
}

// simSiamHead is the authors' projector and predictor.
func simSiamHead(dim, bottleneck string) []Setting {
	return append(from("github.com/facebookresearch/simsiam, simsiam/builder.py", "dim", dim, "hidden",
		dim, option("predictor_hidden"), bottleneck,
		option("head_layers"), "3", option("head_bias"), "2", option("head_last"), "2", option("predictor_bias"), "3",
		option("view_norm"), "2"),
		from(authorsCode("simsiam")+" --fix-pred-lr", option("predictor_steady"), "1")...)
}
