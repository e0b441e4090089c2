package methods

import "github.com/icl-msr/icl-msr/model"

type entry struct {
	Info
	build func(Base) model.Method
}

// registry is the table of methods. A new method is a file, and a row here.
func registry() []entry {
	return []entry{
		{Info{Name: "simclr", Paper: "Chen et al. 2020, SimCLR", Recipe: Recipe{1, 1, 0.5}}, newSimCLR},
		{Info{Name: "byol", Paper: "Grill et al. 2020, BYOL", Recipe: Recipe{0.1, 1, 0.5}, NoNegatives: true,
			Options: append(PredictorOptions(), EMAOption(1))}, newBYOL},
		{Info{Name: "simsiam", Paper: "Chen and He 2021, SimSiam", Recipe: Recipe{0.1, 1, 0.5}, NoNegatives: true,
			Options: PredictorOptions()}, newSimSiam},
		{Info{Name: "directpred", Paper: "Tian et al. 2021, DirectPred", Recipe: Recipe{0.1, 1, 0.5}, NoNegatives: true,
			Options: []Option{
				{"rho", 0.5, "of the correlation's moving average"},
				{"eps", 0.1, "boost of small eigenvalues, as a share of the largest"},
				EMAOption(1),
			}}, newDirectPred},
		{Info{Name: "moco", Paper: "He et al. 2020, Chen et al. 2020, MoCo v2", Recipe: Recipe{1, 1, 0.2},
			Options: []Option{directionsOption(), EMAOption(0)}}, newMoCo},
		{Info{Name: "infomin", Paper: "Tian et al. 2020, InfoMin", Recipe: Recipe{1, 1, 0.2},
			Options: []Option{directionsOption(), EMAOption(0)}}, newInfoMin},
		{Info{Name: "pcl", Paper: "Li et al. 2021, PCL", Recipe: Recipe{1, 1, 0.2},
			Options: []Option{
				{"warmup", 0.1, "share of the epochs without clusters"},
				{"iterations", 20, "of k-means"},
				EMAOption(0),
			}}, newPCL},
		{Info{Name: "cmc", Paper: "Tian et al. 2020, CMC", Recipe: Recipe{0.1, 0.1, 0.1}, OneView: true}, newCMC},
		{Info{Name: "cpc", Paper: "Hénaff et al. 2020, CPC v2", Recipe: Recipe{1, 1, 0.1}, OneView: true, OwnHead: true,
			Options: []Option{
				{"offset", 3, "rows between the context and what it predicts"},
				{"scale", 0.1, "of predictions"},
				{"blocks", 5, "of the context network"},
			}}, newCPC},
		{Info{Name: "ressl", Paper: "Zheng et al. 2021, ReSSL", Recipe: Recipe{0.01, 1, 0.1},
			Options: []Option{{"tau_teacher", 0.04, "the teacher's temperature"}, EMAOption(0)}}, newReSSL},
		{Info{Name: "swav", Paper: "Caron et al. 2020, SwAV", Recipe: Recipe{0.1, 1, 0.1}, NoNegatives: true,
			Options: []Option{
				{"small_views", 4, "of multi-crop"},
				{"epsilon", 0.05, "of Sinkhorn"},
				{"iterations", 3, "of Sinkhorn"},
				{"frozen", 313, "steps at the start without prototypes' gradients, at most a twentieth of the run"},
				{"queue_from", 0.075, "share of the run after which --queue is used"},
			}}, newSwAV},
		{Info{Name: "dcl", Paper: "Chuang et al. 2020, debiased contrastive learning", Recipe: Recipe{1, 1, 0.5},
			Options: []Option{{"tau_plus", 0.1, "share of negatives of the anchor's class"}}}, newDCL},
		{Info{Name: "dclw", Paper: "Yeh et al. 2022, decoupled contrastive learning", Recipe: Recipe{1, 1, 0.1},
			Options: []Option{{"sigma", 0.5, "of the positives' weights; 0: none"}}}, newDCLW},
		{Info{Name: "lmcl", Paper: "Chen et al. 2021, large-margin contrastive learning", Recipe: Recipe{0.1, 1, 0.5},
			Options: []Option{
				{"weight", 1, "of the regularizer"},
				{"delta_plus", 0.1, "the margin's near end"},
				{"delta_minus", 0.9, "the margin's far end"},
			}}, newLMCL},
		{Info{Name: "relic", Paper: "Mitrovic et al. 2021, RELIC", Recipe: Recipe{1, 1, 0.5},
			Options: []Option{{"alpha", 1, "weight of the divergence"}, targetOption(), EMAOption(1)}}, newRELIC},
		{Info{Name: "align_uniform", Paper: "Wang and Isola 2020, alignment and uniformity", Recipe: Recipe{1, 1, 0.5},
			Options: []Option{
				{"align", 1, "weight of the alignment"},
				{"uniform", 1, "weight of the uniformity, a mean of both views"},
				{"alpha", 2, "power of the alignment"},
				{"t", 2, "of the uniformity"},
			}}, newAlignUniform},
		{Info{Name: "barlow_twins", Paper: "Zbontar et al. 2021, Barlow Twins", Recipe: Recipe{1, 1, 0.5},
			NoNegatives: true,
			Options:     []Option{{"off_diagonal", 0.0051, "weight of the redundancy term"}}}, newBarlowTwins},
		{Info{Name: "vicreg", Paper: "Bardes et al. 2022, VICReg", Recipe: Recipe{1, 1, 0.5}, NoNegatives: true,
			Options: []Option{
				{"invariance", 25, "weight"},
				{"variance", 25, "weight"},
				{"covariance", 1, "weight"},
			}}, newVICReg},
		{Info{Name: "w_mse", Paper: "Ermolov et al. 2021, W-MSE", Recipe: Recipe{1, 1, 0.5}, NoNegatives: true,
			Options: []Option{
				{"views", 2, "2 or 4"},
				{"iterations", 1, "rounds of sub-batches (w_iter)"},
				{"sub_batch", 128, "pictures whitened together, at least twice --dim"},
				{"epsilon", 0, "share of the identity in the covariance"},
			}}, newWMSE},
		{Info{Name: "ssl_hsic", Paper: "Li et al. 2021, SSL-HSIC", Recipe: Recipe{1, 1, 0.5}, NoNegatives: true,
			Options: append(PredictorOptions(),
				Option{"gamma", 3, "weight of HSIC(Z, Z)"},
				Option{"width", 1, "of the kernel"},
				targetOption(),
				EMAOption(1),
			)}, newSSLHSIC},
	}
}
