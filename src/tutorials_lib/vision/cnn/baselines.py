"""What the network has to beat, on the same split: scikit-learn's classifiers of pixels."""

import numpy as np
from jaxtyping import Float32, Int
from sklearn.base import ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

Images = Float32[np.ndarray, "batch height width channels"]
Labels = Int[np.ndarray, " batch"]
TestImages = Float32[np.ndarray, "test height width channels"]
TestLabels = Int[np.ndarray, " test"]


def linear_softmax(
    images: Images, labels: Labels, test_images: TestImages, test_labels: TestLabels
) -> float:
    """Held-out accuracy of multinomial logistic regression.

    It sees the 200 leading principal components of the pixels: on all of them it takes many
    times as long and is no better. The penalty is the one among 1e-4, 1e-3 and 1e-1 that served
    it best.
    """
    classifier = LogisticRegression(C=1e-4, max_iter=500)
    return _held_out_accuracy(classifier, 200, images, labels, test_images, test_labels)


def pca_and_svm(
    images: Images, labels: Labels, test_images: TestImages, test_labels: TestLabels
) -> float:
    """Held-out accuracy of a support vector machine with a Gaussian kernel.

    It sees the 80 leading principal components. The penalty is the one among 1, 5 and 10 that
    served it best.
    """
    return _held_out_accuracy(SVC(C=5.0), 80, images, labels, test_images, test_labels)


def _held_out_accuracy(
    classifier: ClassifierMixin,
    num_components: int,
    images: Images,
    labels: Labels,
    test_images: TestImages,
    test_labels: TestLabels,
) -> float:
    flat, flat_test = images.reshape(len(images), -1), test_images.reshape(len(test_images), -1)
    pca = PCA(min(num_components, len(flat)), svd_solver="randomized", random_state=0).fit(flat)
    classifier.fit(pca.transform(flat), labels)  # pyright: ignore[reportAttributeAccessIssue]
    return float(classifier.score(pca.transform(flat_test), test_labels))
