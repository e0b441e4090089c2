package methods

// onImageNet is a method's recipe on ImageNet, from its authors; empty where there
// is none yet. Warm-up counts iterations: epochs are of 1,281,167 pictures, and a
// last batch that is not full is left out.
func onImageNet(method string) []Setting {
	switch method {
	case "simclr":
		return from(Unchecked+"arXiv 2002.05709", "optimizer", "lars", "momentum", "0.9", "lr", "0.3", "scale-lr",
			"256", "batch-size", "4096", "weight-decay", "1e-06",
			"schedule", "cosine", "epochs", "1000", "warmup", "3120", "temperature", "0.1", "hidden", "2048", "dim", "128",
			option("head_last"), "1", option("view_norm"), "0")
	case "byol":
		return from(Unchecked+"arXiv 2006.07733", "optimizer", "lars", "momentum", "0.9", "lr", "0.2", "scale-lr",
			"256", "batch-size", "4096", "weight-decay", "1.5e-06",
			"schedule", "cosine", "epochs", "1000", "warmup", "3120", "hidden", "4096", "dim", "256", "momentum-target",
			"0.996", option("ema"), "1", option("view_norm"), "2")
	case "swav":
		return from(Unchecked+"arXiv 2006.09882", "prototypes", "3000", "temperature", "0.1", option("small_views"),
			"6", option("view_norm"), "1")
	case "moco", "infomin":
		temperature := map[string][2]string{"moco": {"0.2", "2003.04297"}, "infomin": {"0.15", "2005.10243"}}[method]
		return append(from(authorsCode("moco"), "optimizer", "sgd", "momentum", "0.9", "lr", "0.03", "batch-size",
			"256", "weight-decay", "0.0001", "schedule", "cosine",
			"epochs", "200", "warmup", "0", "queue", "65536", "momentum-target", "0.999", "dim", "128", option("ema"), "0",
			"hidden", "2048", option("head_norm"), "0", option("directions"), "1", option("view_norm"), "2"),
			from(Unchecked+"arXiv "+temperature[1], "temperature", temperature[0])...)
	case "simsiam":
		return append(simSiamHead("2048", "512"), from(authorsCode(method), "optimizer", "sgd", "momentum", "0.9",
			"lr", "0.05", "batch-size", "512",
			"weight-decay", "0.0001", "schedule", "cosine", "epochs", "100", "warmup", "0")...)
	case "barlow_twins":
		return append(overparameterized(method, "1000"),
			from(authorsCode(method)+" (0.0048 for biases and norms, which have no rate of their own here)", "lr", "0.2",
				option("head_bias"), "2", option("off_diagonal"), "0.0051")...)
	case "vicreg":
		return append(overparameterized(method, "100"), from(authorsCode(method), "lr", "0.2", option("head_bias"), "1",
			option("invariance"), "25", option("variance"), "25", option("covariance"), "1")...)
	}
	return nil
}

// overparameterized is what Barlow Twins and VICReg share.
func overparameterized(method, epochs string) []Setting {
	return from(authorsCode(method), "optimizer", "lars", "momentum", "0.9", "scale-lr", "256", "batch-size",
		"2048", "weight-decay", "1e-06", "schedule", "cosine",
		"epochs", epochs, "warmup", "6250", "hidden", "8192", "dim", "8192", option("head_layers"), "3",
		option("view_norm"), "2")
}
