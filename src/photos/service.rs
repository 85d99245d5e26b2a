//! The Photos service of one account.

use thiserror::Error;

use super::{DownloadUrl, Resource};

#[derive(Debug, Error)]
pub enum PhotosError {
    #[error("the service no longer has this original")]
    Gone,
}

pub struct Photos {}

impl Photos {
    /// An address for a resource that is good for at least another minute. Look-ups are batched and remembered.
    pub async fn download_url(&self, _resource: &Resource) -> Result<DownloadUrl, PhotosError> {
        todo!()
    }

    /// A fresh address after the content host refused one.
    pub async fn renewed_url(&self, _resource: &Resource, _refused: &DownloadUrl) -> Result<DownloadUrl, PhotosError> {
        todo!()
    }
}
