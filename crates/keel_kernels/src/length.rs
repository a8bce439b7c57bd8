//! Lengths as products of sizes given by a caller.

/// Maximum number of floats of a matrix, an image or the weights of a layer: 4 TB, or 128 MB with 32-bit addresses. Sums and small
/// multiples of lengths up to it do not overflow.
pub(crate) const LARGEST: usize = usize::MAX >> if usize::BITS == 64 { 24 } else { 7 };

/// Returns the product of `sizes`; `None` if it or one of the sizes is above [`LARGEST`].
pub(crate) fn checked_product(sizes: &[usize]) -> Option<usize> {
    let product =
        sizes.iter().try_fold(1usize, |product, &size| if size > LARGEST { None } else { product.checked_mul(size) });
    product.filter(|&product| product <= LARGEST)
}

/// Returns the product of `sizes`, the length of `what`.
///
/// # Panics
/// If it is too large ([`checked_product`]).
#[track_caller]
pub(crate) fn product(what: &str, sizes: &[usize]) -> usize {
    match checked_product(sizes) {
        Some(product) => product,
        None => panic!("{what} of {sizes:?} floats; at most {LARGEST} are possible"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_that_wrap_or_are_too_large_are_refused() {
        let cases: [(&[usize], Option<usize>); 7] = [
            (&[], Some(1)),
            (&[3, 5, 7], Some(105)),
            (&[LARGEST], Some(LARGEST)),
            (&[LARGEST, 2], None),
            (&[1 << (usize::BITS - 1), 2], None),
            (&[usize::MAX, 0], None),
            (&[0, 9], Some(0)),
        ];
        for (sizes, expected) in cases {
            assert_eq!(checked_product(sizes), expected, "{sizes:?}");
        }
    }
}
