package methods

// Authors' code that several recipes name.
const (
	moCo       = "github.com/facebookresearch/moco, "
	moCoDemo   = moCo + "colab/moco_cifar10_demo.ipynb"
	pyContrast = "github.com/HobbitLong/PyContrast, pycontrast/"
	cmcCode    = "github.com/HobbitLong/CMC, "
	reSSL      = "github.com/KyleZheng1997/ReSSL, "
	pclCode    = "github.com/salesforce/PCL, "
	simSiamAt  = "github.com/facebookresearch/simsiam, "
	byolCode   = "github.com/google-deepmind/deepmind-research, byol/"
	hsicCode   = "github.com/google-deepmind/ssl_hsic, ssl_hsic/"
	swavCode   = "github.com/facebookresearch/swav, "
	barlowCode = "github.com/facebookresearch/barlowtwins, main.py"
	vicregCode = "github.com/facebookresearch/vicreg, main_vicreg.py"
	luck       = "github.com/facebookresearch/luckmatters, ssl/real-dataset/"
	solo       = "github.com/vturrisi/solo-learn (not the authors'), scripts/pretrain/"
	lightly    = "github.com/lightly-ai/lightly (not the authors'), "
)

// definition is what defines a method in both defaults: its temperature, target,
// queue and constants of the loss, and the head where the loss is tuned for it.
func definition(recipe, set string) []Setting {
	switch recipe {
	case "simclr":
		if set == "imagenet" {
			return from(simCLRv2, "temperature", tauOfSimCLR(set))
		}
		return from(htdt+"cfg.py", "temperature", tauOfSimCLR(set))
	case "moco", "infomin", "pcl", "ressl":
		return withKeys(recipe, set)
	case "byol", "simsiam", "directpred", "ssl_hsic":
		return append(doTau(), predicting(recipe)...)
	case "cmc":
		return crossView(set)
	case "cpc":
		return patches()
	case "swav":
		return swapped(set)
	case "dcl", "dclw", "lmcl", "relic":
		return contrasting(recipe, set)
	case "barlow_twins", "vicreg":
		return append(doTau(), redundancy(recipe, set)...)
	case "align_uniform":
		return append(doTau(), from("github.com/SsnL/align_uniform, examples/stl10/main.py", option("align"), "1",
			option("uniform"), "1", option("alpha"), "2", option("t"), "2")...)
	case "w_mse", WMSE2:
		return doTau()
	}
	return from(Ours+": the registry's", "temperature", number(RecipeOf(recipe).Temperature))
}

// doTau is the temperature of the do-loss on methods that have none.
func doTau() []Setting { return from(icl+": of the do-loss alone", "temperature", "0.5") }

// tauOfSimCLR on ImageNet is SimCLR's; elsewhere the baseline's, and the paper's.
func tauOfSimCLR(set string) string {
	if set == "imagenet" {
		return "0.1"
	}
	return "0.5"
}

// contrasting is what the methods on SimCLR's head have.
func contrasting(recipe, set string) []Setting {
	tau := from(Ours+": as SimCLR", "temperature", tauOfSimCLR(set))
	switch recipe {
	case "dcl":
		return append(from("github.com/chingyaoc/DCL, main.py", "temperature", "0.5"),
			Setting{option("tau_plus"), "0.1", "github.com/chingyaoc/DCL, main.py"})
	case "dclw":
		return from(lightly+"benchmarks/imagenet/resnet50/dclw.py", "temperature", "0.1", option("sigma"), "0.5")
	case "lmcl":
		return append(tau, from(Unchecked+"PMLR 139, chen21n", option("weight"), "1", option("delta_plus"), "0.1",
			option("delta_minus"), "0.9")...)
	}
	return append(append(tau, Setting{option("alpha"), "1", Ours + ": the paper does not say"}),
		from(Ours+": without a target network, as the baseline's SimCLR", option("target"), "0", option("ema"), "1")...)
}
