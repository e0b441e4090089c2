package methods

import "github.com/icl-msr/icl-msr/nets"

// mocoViews are MoCo v2's.
func mocoViews() augmentation {
	return augmentation{cropMin: 0.2, cropMax: 1, jitter: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1,
		gray: 0.2, flip: 0.5, blur: 0.5}
}

// meanViews are BYOL's: their two views differ, blur 1 and 0.1, solarize 0 and 0.2,
// and both have the mean here.
func meanViews() augmentation {
	return augmentation{cropMin: 0.08, cropMax: 1, jitter: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1,
		gray: 0.2, flip: 0.5, blur: 0.55, solarize: 0.1}
}

// asymmetric is what BYOL's views have and this program lacks.
func asymmetric(source string) []Setting {
	return append(from(source+"; "+Ours+": the mean of both views", "augment-option blur", "0.55",
		"augment-option solarize", "0.1"), lacking(source, "views that differ: blur 1 and solarize 0 of the first, "+
		"blur 0.1 and solarize 0.2 of the second")...)
}

// ownMoCo is of MoCo v2, InfoMin and PCL.
func ownMoCo(recipe, set string) authors {
	if small(set) {
		return demoMoCo(recipe, set)
	}
	files := map[string][2]string{"moco": {moCo + "main_moco.py and README", moCo + "moco/builder.py"},
		"infomin": {pyContrast + "options/base_options.py, README and docs/RUN.md",
			pyContrast + "networks/build_backbone.py"},
		"pcl": {pclCode + "main_pcl.py and README", pclCode + "pcl/builder.py"}}[recipe]
	a := authors{source: on(files[0], "imagenet", set),
		training: training{optimizer: "sgd", lr: 0.03, decay: 1e-4, batch: 256, epochs: 800, schedule: "cosine"},
		head:     headForm{hidden: 2048, dim: 128, layers: 2, plain: true, bias: nets.EveryBias},
		ofHead:   files[1], views: mocoViews(), ofViews: moCo + "main_moco.py: aug-plus"}
	switch recipe {
	case "pcl":
		a.training.epochs, a.ofViews = 200, pclCode+"main_pcl.py: aug-plus"
	case "infomin":
		a.views.brightness, a.views.contrast, a.views.saturation, a.views.hue = 0.8, 0.8, 0.8, 0.2
		a.ofViews = pyContrast + "datasets/util.py, D, with its RandAugment of 2 operations at 10"
	}
	if recipe == "moco" && set == "imagenet-100" {
		a.more = from("arXiv 2206.14702, Table 2, says 4,096 negatives: MoCo's queue", "queue", "4096")
	}
	return a
}

// demoMoCo is MoCo on CIFAR-10, by its authors; InfoMin and PCL ran nothing so small.
func demoMoCo(recipe, set string) authors {
	source := on(moCoDemo, "cifar10", set)
	if recipe != "moco" {
		source = Ours + ": MoCo's on CIFAR-10, " + moCoDemo + ", for ImageNet's"
	}
	a := authors{source: source,
		training: training{optimizer: "sgd", lr: 0.06, decay: 5e-4, batch: 512, epochs: 200, schedule: "cosine"},
		head:     headForm{dim: 128, layers: 1, plain: true, bias: nets.EveryBias},
		ofHead:   source, views: mocoViews(), ofViews: source}
	a.views.cropMin, a.views.blur = 0.08, 0
	if recipe == "infomin" {
		a.views.brightness, a.views.contrast, a.views.saturation, a.views.hue = 0.8, 0.8, 0.8, 0.2
		a.views.cropMin, a.views.blur = 0.2, 0.5
		a.ofViews = on(pyContrast+"datasets/util.py, D", "imagenet", set)
	}
	if recipe != "moco" { // their head has a hidden layer
		a.head = headForm{hidden: 512, dim: 128, layers: 2, plain: true, bias: nets.EveryBias}
		a.ofHead = Ours + ": the authors' for ImageNet, in the width of ResNet-18's features"
	}
	return a
}

// ownReSSL is of ReSSL.
func ownReSSL(set string) authors {
	a := authors{source: on(reSSL+"ressl.py and script/train.sh", "imagenet", set),
		training: training{optimizer: "sgd", lr: 0.05, decay: 1e-4, batch: 256, epochs: 200, schedule: "cosine", warmup: 5},
		head:     headForm{hidden: 4096, dim: 512, layers: 2, plain: true, bias: nets.EveryBias},
		ofHead:   reSSL + "network/head.py", views: mocoViews(), ofViews: reSSL + "data/augmentation.py"}
	if small(set) {
		a.source = reSSLSmall
		a.training.lr, a.training.decay = 0.06, 5e-4
		a.head.hidden, a.head.dim, a.ofHead = 512, 128, reSSLSmall
		a.views.cropMin, a.views.saturation, a.ofViews = 0.08, 0.2, solo+"cifar/augmentations/ressl.yaml"
	}
	return a
}

// ownBYOL is of BYOL, SSL-HSIC, which has its code, and RELIC, which has its training.
func ownBYOL(recipe, set string) authors {
	views := byolCode + "utils/augmentations.py"
	a := authors{source: on(byolCode+"configs/byol.py", "imagenet", set),
		training: training{optimizer: "lars", lr: 0.2, per: 256, decay: 1.5e-6, batch: 4096, epochs: 1000,
			schedule: "cosine", warmup: 10},
		head:   headForm{hidden: 4096, dim: 256, layers: 2, bias: nets.HiddenBias},
		ofHead: byolCode + "configs/byol.py and utils/networks.py",
		views:  meanViews(), ofViews: views, more: asymmetric(views)}
	separate := Setting{option("view_norm"), "2", byolCode + "byol_experiment.py"}
	switch recipe {
	case "byol":
		return a.with(append(from(a.source, "momentum-target", "0.996", option("ema"), "1"),
			append(from(a.ofHead, option("predictor_hidden"), "4096", option("predictor_bias"), "1"), separate)...)...)
	case "ssl_hsic":
		a.source = on(hsicCode+"config.py", "imagenet", set)
		a.training.lr, a.training.decay = 0.4, 1e-6
		a.ofHead = hsicCode + "config.py; " + byolCode + "utils/networks.py"
		return a.with(append(from(a.ofHead, option("predictor_hidden"), "4096", option("predictor_bias"), "1"),
			Setting{option("view_norm"), "2", hsicCode + "experiment.py"})...)
	}
	return likeBYOL(a, set)
}

// likeBYOL is RELIC with a target network, whose number Table 3 has, of BYOL's recipe.
func likeBYOL(a authors, set string) authors {
	const paper = "arXiv 2010.07922, appendix E"
	a.source, a.ofHead = on(paper+".3, with a target network", "imagenet", set), paper+".2: as BYOL's"
	a.views, a.ofViews = strongViews(), paper+".1: as SimCLR's"
	a.more = nil
	if small(set) {
		a.views = a.views.halved()
		a.ofViews += "; " + Ours + ": half the strength and no blur on a small data set"
	}
	return a.with(append(from(paper+".3", option("target"), "1", "momentum-target", "0.996", option("ema"), "1"),
		Setting{option("view_norm"), "2", paper + ".2: as BYOL's"},
		Setting{"temperature", ownTau(set), Ours + ": as SimCLR"},
		Setting{NotBuilt, "solarizing a view, with BYOL's probabilities", paper + ".1"})...)
}

// ownSimSiam is of SimSiam; its head is in what defines it.
func ownSimSiam(set string) authors {
	a := authors{source: on(simSiamAt+"main_simsiam.py", "imagenet", set),
		training: training{optimizer: "sgd", lr: 0.05, per: 256, decay: 1e-4, batch: 512, epochs: 100, schedule: "cosine"},
		views:    mocoViews(), ofViews: simSiamAt + "main_simsiam.py"}
	if !small(set) {
		return a
	}
	a.source = on("arXiv 2011.10566, appendix D", "cifar10", set)
	a.training.lr, a.training.decay, a.training.epochs = 0.03, 5e-4, 800
	a.views.blur, a.ofViews = 0, a.source+": as for ImageNet, without blur"
	return a.with(from(a.source+": two layers, three for ImageNet", option("head_layers"), "2")...)
}

// ownDirectPred is of DirectPred, on STL-10.
func ownDirectPred(set string) authors {
	config := on(luck+"config/byol_config.yaml", "stl10", set)
	a := authors{source: config,
		training: training{optimizer: "sgd", lr: 0.03, decay: 4e-4, batch: 128, epochs: 100, schedule: "constant"},
		head:     headForm{hidden: 512, dim: 128, layers: 2, bias: nets.EveryBias}, ofHead: config,
		views: strongViews(), ofViews: on(luck+"data/transforms.py", "stl10", set),
		more: append(from(Ours+": as BYOL", option("view_norm"), "2"),
			lacking(luck+"models/mlp_head.py", "a hidden batch norm without parameters")...)}
	if ofCIFAR(set) {
		a.views = a.views.halved()
		a.ofViews = luck + "data/transforms.py"
	}
	return a
}
