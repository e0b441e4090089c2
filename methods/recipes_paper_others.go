package methods

import "github.com/icl-msr/icl-msr/nets"

// ownSwAV is of SwAV: Table 3's 800 epochs, and on small sets the script for a batch
// of 256.
func ownSwAV(set string) authors {
	a := authors{source: on(swavCode+"scripts/swav_800ep_pretrain.sh", "imagenet", set),
		training: training{optimizer: "lars", lr: 4.8, decay: 1e-6, batch: 4096, epochs: 800, schedule: "cosine",
			warmup: 10},
		head:   headForm{hidden: 2048, dim: 128, layers: 2, bias: nets.EveryBias},
		ofHead: swavCode + "main_swav.py and src/resnet50.py", views: strongViews(),
		ofViews: swavCode + "src/multicropdataset.py",
		more: append(from(swavCode+"scripts/swav_800ep_pretrain.sh", "augment-option crop-min", "0.14"),
			lacking(swavCode+"main_swav.py", "a rate that ends at a thousandth, not at 0, and a warm-up from 0.3",
				"a head's batch norm over large and small views together")...)}
	if !small(set) {
		return a
	}
	a.source = on(swavCode+"scripts/swav_400ep_bs256_pretrain.sh", "imagenet", set)
	a.training.lr, a.training.batch, a.training.epochs, a.training.warmup = 0.6, 256, 400, 0
	a.views.cropMin, a.views.blur = 0.08, 0
	a.ofViews = solo + "cifar/augmentations/symmetric.yaml; " + Ours + ": no blur"
	a.more = append(from(a.source+": 15 of 400 epochs", option("queue_from"), "0.0375"),
		lacking(swavCode+"main_swav.py", "a rate that ends at a thousandth, not at 0")...)
	return a
}

// ownRedundancy is of Barlow Twins and VICReg; their head is in what defines them.
func ownRedundancy(recipe, set string) authors {
	code := map[string]string{"barlow_twins": barlowCode, "vicreg": vicregCode + " and README"}[recipe]
	views := barlowCode
	if recipe == "vicreg" {
		views = "github.com/facebookresearch/vicreg, augmentations.py"
	}
	a := authors{source: on(code, "imagenet", set),
		training: training{optimizer: "lars", lr: 0.2, per: 256, decay: 1e-6, batch: 2048, epochs: 1000,
			schedule: "cosine", warmup: 10},
		views: meanViews(), ofViews: views, more: asymmetric(views)}
	a.more = append(a.more, lacking(code, "a rate that ends at a thousandth, not at 0")...)
	switch {
	case recipe == "barlow_twins":
		a.more = append(a.more, lacking(code, "a rate of their own for biases and norms, 0.0048")...)
	case small(set): // the README's command for one machine
		a.training.lr, a.training.batch = 0.3, 512
	}
	return a
}

// ownCMC is of CMC: its views are L and ab, cropped and flipped only.
func ownCMC(set string) authors {
	a := authors{source: on(cmcCode+"train_CMC.py", "imagenet", set),
		training: training{optimizer: "sgd", lr: 0.03, per: 128, decay: 1e-4, batch: 128, epochs: 240, schedule: "step",
			drops: "120,80,40", gamma: 0.1},
		head:   headForm{dim: 128, layers: 1, plain: true, bias: nets.EveryBias},
		ofHead: cmcCode + "models/resnet.py",
		views:  augmentation{cropMin: 0.2, cropMax: 1, flip: 0.5}, ofViews: cmcCode + "train_CMC.py"}
	switch set {
	case "imagenet":
		a.views.cropMin = 0.08 // of ResNets
		a.more = append(inBatch("the same on ImageNet; 2047 in each direction, as CMC has no bank here"), warmUp(set, 2048))
	case "imagenet-100":
		a.source = cmcCode + "train_CMC.py"
		a.more = append(inBatch("2 x 2047 = 4094 in both directions of the loss, by micro-batches: CMC has no bank here"),
			warmUp(set, 2048))
	default:
		a.more = append(from(Ours+": the batch has the negatives, as there is no bank", "batch-size", "512"),
			warmUp(set, 512))
	}
	return a
}

// ownCPC is of CPC v2, whose authors published no code.
func ownCPC(set string) authors {
	source := on(Unchecked+"arXiv 1905.09272", "imagenet", set)
	return authors{source: source,
		training: training{optimizer: "adam", lr: 4e-4, decay: 0, batch: 512, epochs: 200, schedule: "constant"},
		head:     headForm{hidden: 1024, dim: 64},
		ofHead:   on("arXiv 1905.09272, algorithm 1: blocks of 256 channels, a quarter of hidden", "imagenet", set),
		views:    augmentation{cropMin: 0.75, cropMax: 1, flip: 0.5}, ofViews: source + ": a crop of 260 of 300 pixels"}
}

// ownAlignUniform is of alignment and uniformity, on STL-10 and on ImageNet-100.
func ownAlignUniform(set string) authors {
	code := on("github.com/SsnL/align_uniform, examples/stl10/main.py", "stl10", set)
	a := authors{source: code,
		training: training{optimizer: "sgd", lr: 0.12, per: 256, decay: 1e-4, batch: 768, epochs: 200, schedule: "step",
			drops: "45,30,15", gamma: 0.1},
		head:   headForm{hidden: 4096, dim: 128, layers: 2, bias: nets.LastBias},
		ofHead: "github.com/SsnL/align_uniform, examples/stl10/encoder.py: the last layers of its AlexNet",
		views: augmentation{cropMin: 0.08, cropMax: 1, jitter: 1, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.4,
			gray: 0.2, flip: 0.5},
		ofViews: code,
		more:    from(code+": both views in one batch", option("view_norm"), "0")}
	if small(set) {
		return a
	}
	code = on("github.com/SsnL/moco_align_uniform, main_moco.py and README", "imagenet-100", set)
	a.source, a.ofViews = code, code
	a.training = training{optimizer: "sgd", lr: 0.03, per: 128, decay: 1e-4, batch: 128, epochs: 200, schedule: "step",
		drops: "80,40", gamma: 0.1}
	a.head = headForm{dim: 128, layers: 1, plain: true, bias: nets.EveryBias}
	a.ofHead = "github.com/SsnL/moco_align_uniform, moco/builder.py"
	a.views.cropMin = 0.2
	a.more = append(from(code, option("align"), "3", option("t"), "3", option("view_norm"), "2"),
		lacking(code, "the target network and the queue of keys, 65536: the batch has all pairs")...)
	return a
}
