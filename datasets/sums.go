package datasets

// Sum is the published MD5 of a file. Path is relative to the data set's folder.
type Sum struct{ Path, MD5 string }

func sums(dir string, pairs ...string) []Sum {
	var out []Sum
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, Sum{dir + "/" + pairs[i], pairs[i+1]})
	}
	return out
}

// torchvision checks the same sums.

func cifar10Sums() []Sum {
	return sums(
		"cifar-10-batches-py",
		"data_batch_1",
		"c99cafc152244af753f735de768cd75f",
		"data_batch_2",
		"d4bba439e000b95fd0a9bffe97cbabec",
		"data_batch_3",
		"54ebc095f3ab1f0389bbae665268c751",
		"data_batch_4",
		"634d18415352ddfa80567beed471001a",
		"data_batch_5",
		"482c414d41f54cd18b22e5b47cb7c3cb",
		"test_batch",
		"40351d587109b95175f43aff81a1287e",
		"batches.meta",
		"5ff9c542aee3614f3951f8cda6e48888",
	)
}

func cifar100Sums() []Sum {
	return sums(
		"cifar-100-python",
		"train",
		"16019d7e3df5f24257cddd939b257f8d",
		"test",
		"f0ef6b0ae62326f3e7ffdfab6717acfc",
		"meta",
		"7973b15100ade9c7d40fb424638fde48",
	)
}

func stl10Sums() []Sum {
	return sums(
		"stl10_binary",
		"train_X.bin",
		"918c2871b30a85fa023e0c44e0bee87f",
		"train_y.bin",
		"5a34089d4802c674881badbb80307741",
		"unlabeled_X.bin",
		"5242ba1fed5e4be9e1e742405eb56ca4",
		"test_X.bin",
		"7f263ba9f9e0b06b93213547f721ac82",
		"test_y.bin",
		"36f9794fa4beb8a2c72628de14fa638e",
	)
}
