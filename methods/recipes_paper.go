package methods

import (
	"strings"

	"github.com/icl-msr/icl-msr/nets"
)

// authors is a method's own recipe on a data set, without what defines the method.
type authors struct {
	source   string // of the training
	training training
	head     headForm
	ofHead   string // source of the head
	views    augmentation
	ofViews  string    // source of the views
	more     []Setting // over the others
}

// paperRecipe is a recipe by its authors, or the baseline's where none is written down.
func paperRecipe(recipe, set string) []Setting {
	if recipe == "w_mse" || recipe == WMSE2 {
		return whitened(recipe, set)
	}
	build, ok := ownRecipes()[recipe]
	if !ok {
		return append(baselineRecipe(recipe, set), lacking(Ours, "the authors' recipe: nobody has written it down")...)
	}
	a := build(recipe, set)
	out := a.training.rows(a.source, set)
	switch {
	case recipe == "cpc":
		out = append(out, from(a.ofHead, "hidden", number(float64(a.head.hidden)), "dim", number(float64(a.head.dim)))...)
	case a.head.layers > 0:
		out = append(out, a.head.rows(a.ofHead)...)
	}
	out = over(out, definition(recipe, set)...)
	out = append(out, a.views.rows(a.ofViews, set)...)
	return over(out, a.more...)
}

// ownRecipes builds the authors' recipes, of a name and a data set.
func ownRecipes() map[string]func(recipe, set string) authors {
	alone := func(build func(set string) authors) func(string, string) authors {
		return func(_, set string) authors { return build(set) }
	}
	return map[string]func(recipe, set string) authors{
		"simclr": alone(ownSimCLR), "dcl": ownDebiased, "lmcl": ownDebiased, "dclw": alone(ownDecoupled),
		"moco": ownMoCo, "infomin": ownMoCo, "pcl": ownMoCo, "ressl": alone(ownReSSL),
		"byol": ownBYOL, "relic": ownBYOL, "ssl_hsic": ownBYOL,
		"simsiam": alone(ownSimSiam), "directpred": alone(ownDirectPred), "swav": alone(ownSwAV),
		"barlow_twins": ownRedundancy, "vicreg": ownRedundancy,
		"cmc": alone(ownCMC), "cpc": alone(ownCPC), "align_uniform": alone(ownAlignUniform),
	}
}

// whitened is W-MSE's, which is the baseline: its authors made that. On ImageNet-100
// they trained for fewer epochs than section 6.2 says, and ImageNet they did not run.
func whitened(recipe, set string) []Setting {
	if small(set) {
		return baselineRecipe(recipe, set)
	}
	out := over(baselineRecipe(recipe, "imagenet-100"), from(htdt+"README", "epochs", "240", "lr", "0.002")...)
	for i := range out {
		if strings.HasPrefix(out[i].Source, htdt) {
			out[i].Source = on(out[i].Source, "imagenet-100", set)
		}
	}
	return out
}

// linearScaling is the source of a warm-up that the authors' smaller batch did not
// need.
const linearScaling = Ours + ": the linear rule's five epochs of warm-up (arXiv 1706.02677), as the batch is larger " +
	"than the authors'"

// fourThousand are Table 2's negatives without a bank.
const fourThousand = "arXiv 2206.14702, Table 2, says 4,096 negatives. " + Ours + ": "

// inBatch is Table 2's batch: 2N-2 = 4094 negatives.
func inBatch(why string) []Setting {
	return from(fourThousand+why, "batch-size", "2048", "micro-batch", "256")
}

// ownSimCLR is SimCLR v1's, whose number Table 3 has.
func ownSimCLR(set string) authors {
	const first = "github.com/google-research/simclr, run.py of its first version (be133b3)"
	a := authors{source: on(first, "imagenet", set),
		training: training{optimizer: "lars", lr: 0.3, per: 256, decay: 1e-6, batch: 4096, epochs: 1000, schedule: "cosine",
			warmup: 10},
		head:   headForm{hidden: 2048, dim: 128, layers: 2, bias: nets.NoBias, last: nets.Affine},
		ofHead: "github.com/google-research/simclr, model_util.py of its first version",
		views:  strongViews(), ofViews: "github.com/google-research/simclr, data_util.py",
		more: append(from("github.com/google-research/simclr, model.py: both views in one batch", option("view_norm"), "0"),
			lacking("github.com/google-research/simclr, model_util.py", "the last batch norm without a shift")...)}
	switch {
	case small(set):
		a.source = on("github.com/google-research/simclr, README of its first version", "cifar10", set)
		a.training.lr, a.training.batch = 1, 512
		a.head.hidden = 512 // the width of ResNet-18's features
		a.views = a.views.halved()
		a.ofViews += " and README: half the strength, no blur"
	case set == "imagenet-100":
		a.training.batch = 2048
		a.more = append(a.more, inBatch("2 x 2048 - 2 = 4094 in the batch, by micro-batches: SimCLR has no bank here")...)
	}
	ofEpochs := "arXiv 2002.05709, whose 69.3 is after 1000 epochs by arXiv 2011.10566, table C.1"
	if small(set) {
		ofEpochs = a.source
	}
	return a.with(Setting{"epochs", "1000", ofEpochs}, Setting{"temperature", ownTau(set), a.source})
}

// ownTau is SimCLR's temperature by its authors.
func ownTau(set string) string {
	if small(set) {
		return "0.5"
	}
	return "0.1"
}

// ownDebiased is of DCL, and of LMCL, whose experiments follow it: on small sets
// DCL's SimCLR, on ImageNet-100 CMC's training.
func ownDebiased(recipe, set string) authors {
	const code = "github.com/chingyaoc/DCL, "
	a := authors{source: on(code+"main.py", "stl10", set),
		training: training{optimizer: "adam", lr: 0.001, decay: 1e-6, batch: 256, epochs: 500, schedule: "constant"},
		head:     headForm{hidden: 512, dim: 128, layers: 2, bias: nets.LastBias},
		ofHead:   on(code+"model.py", "stl10", set),
		views: augmentation{cropMin: 0.08, cropMax: 1, jitter: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.4,
			hue: 0.1, gray: 0.2, flip: 0.5, blur: 0.5},
		ofViews: on(code+"utils.py", "stl10", set),
		more:    from(code+"main.py: view by view", option("view_norm"), "2", "temperature", "0.5")}
	if !small(set) {
		a = debiasedLarge(set)
		if recipe == "dcl" {
			a.more = append(a.more, Setting{option("tau_plus"), "0.01", Unchecked + "arXiv 2007.00224, on ImageNet-100"})
		}
	}
	a.more = append(a.more, Setting{option("head_last"), "1", Ours + ": SimCLR's head"})
	if recipe == "lmcl" {
		a = likeDCL(a)
	}
	return a
}

// debiasedLarge is DCL on ImageNet-100: it changed CMC's loss.
func debiasedLarge(set string) authors {
	a := ownCMC("imagenet-100")
	const paper = Unchecked + "arXiv 2007.00224, on ImageNet-100, changes the loss of "
	a.source = on(paper+cmcCode+"train_CMC.py", "imagenet-100", set)
	a.head = headForm{hidden: 2048, dim: 128, layers: 2, bias: nets.NoBias, last: nets.Affine}
	a.ofHead = Ours + ": SimCLR's, as the views are RGB"
	a.views, a.ofViews = strongViews(), icl+": for ImageNet-100"
	a.more = append(inBatch("2 x 2048 - 2 = 4094 in the batch, by micro-batches: a loss without a bank here"),
		warmUp(set, 2048), Setting{option("view_norm"), "2", Ours + ": view by view, as DCL's code"},
		Setting{"temperature", "0.07", paper + cmcCode + "README"})
	return a.with(lacking(Unchecked+"arXiv 2007.00224, on ImageNet-100",
		"the loss over CMC's views L and ab, with its memory bank: it is over two RGB views here")...)
}

// likeDCL marks DCL's constants as those of LMCL, which no source here has.
func likeDCL(a authors) authors {
	const paper = Unchecked + "PMLR 139, chen21n, as dcl here"
	a.source, a.ofHead, a.ofViews = paper, paper, paper
	for i, x := range a.more {
		if x.Name == "temperature" || x.Name == option("view_norm") || x.Name == NotBuilt {
			a.more[i].Source = paper
		}
	}
	return a
}

// warmUp is the linear rule's.
func warmUp(set string, batch int) Setting {
	return Setting{"warmup", number(float64(5 * (picturesOf(set) / batch))), linearScaling}
}

// with adds settings.
func (a authors) with(more ...Setting) authors {
	a.more = append(a.more, more...)
	return a
}

// ownDecoupled is of decoupled contrastive learning, whose authors' code is not at hand.
func ownDecoupled(set string) authors {
	const paper = Unchecked + "arXiv 2110.06848"
	a := authors{source: paper,
		training: training{optimizer: "sgd", lr: 0.03, per: 256, decay: 1e-4, batch: 256, epochs: 200, schedule: "cosine"},
		head:     headForm{hidden: 2048, dim: 128, layers: 2, bias: nets.NoBias, last: nets.Affine},
		ofHead:   Ours + ": SimCLR's head", views: strongViews(), ofViews: paper + ": SimCLR's",
		more: from(Ours+": as SimCLR", option("view_norm"), "0")}
	if small(set) {
		a.training.decay, a.training.batch, a.head.hidden = 5e-4, 512, 512
		a.views = a.views.halved()
	}
	return a
}
