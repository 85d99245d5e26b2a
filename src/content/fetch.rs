//! Bytes from Apple: an address from [`Photos`], the range from [`Http`].

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use tokio::time::{Instant, sleep_until};

use super::{Body, Source, SourceError};
use crate::http::{Hope, Http, HttpError, RangeBody, Reached, RetryPolicy, Transient, Verdict, retry};
use crate::photos::{Photos, PhotosError, Resource};

/// A read waits 45 s; the answer to the last try should be within that.
const DEADLINE: Duration = Duration::from_secs(35);

/// A service that asks for longer is asked again after this all the same.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// Statuses with which the content host refuses an address that has run out (protocol/photos.md §5.5).
const REFUSALS: [u16; 4] = [401, 403, 404, 410];

/// The originals as iCloud has them.
pub struct PhotosSource {
    photos: Arc<Photos>,
    http: Http,
    /// Until when the service has asked to be left alone: by one request, for all.
    rests_until: Mutex<Option<Instant>>,
}

impl PhotosSource {
    pub fn new(photos: Arc<Photos>, http: Http) -> PhotosSource {
        PhotosSource { photos, http, rests_until: Mutex::default() }
    }

    /// Asks when the service is to be asked again.
    async fn ask_in_time(&self, resource: &Resource, range: Range<u64>) -> Result<RangeBody, FetchError> {
        let rests_until = *self.rests_until.lock().expect("no panic while locked");
        if let Some(until) = rests_until {
            if until.saturating_duration_since(Instant::now()) > DEADLINE {
                return Err(FetchError::Resting);
            }
            sleep_until(until).await;
        }
        let answer = self.ask(resource, range).await;
        if let Err(error) = &answer
            && let Verdict::After(wait) = error.verdict()
        {
            let until = Instant::now() + wait.min(LONGEST_REST);
            let mut rests = self.rests_until.lock().expect("no panic while locked");
            *rests = Some(rests.unwrap_or(until).max(until));
        }
        answer
    }

    /// Asks with the address that is known, and once more with a fresh one if that is refused.
    async fn ask(&self, resource: &Resource, range: Range<u64>) -> Result<RangeBody, FetchError> {
        let url = self.photos.download_url(resource).await?;
        match self.http.range(url.expose(), range.clone(), resource.size).await {
            Err(error) if error.status().is_some_and(|status| REFUSALS.contains(&status)) => {}
            answer => return Ok(answer?),
        }
        let fresh = self.photos.renewed_url(resource, &url).await?;
        Ok(self.http.range(fresh.expose(), range, resource.size).await?)
    }
}

impl Source for PhotosSource {
    fn open<'a>(
        &'a self,
        resource: &'a Resource,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Box<dyn Body>, SourceError>> {
        Box::pin(async move {
            let policy = RetryPolicy { deadline: DEADLINE, longest_asked: DEADLINE, ..self.http.retry_policy() };
            let answer = retry(&policy, |_| self.ask_in_time(resource, range.clone())).await;
            self.photos.reach().note(answer.as_ref().err().map_or(Reached::Answer, FetchError::reached));
            match answer {
                Ok(body) => Ok(Box::new(body) as Box<dyn Body>),
                Err(error) => Err(SourceError::Failed(error.to_string())),
            }
        })
    }

    fn hope(&self) -> Hope {
        self.photos.reach().hope()
    }

    /// Those asked for at the same time share a look-up.
    fn prepare<'a>(&'a self, resources: &'a [Resource]) -> BoxFuture<'a, ()> {
        Box::pin(async {
            join_all(resources.iter().map(|resource| self.photos.download_url(resource))).await;
        })
    }
}

impl Body for RangeBody {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, SourceError>> {
        Box::pin(async move {
            self.chunk().await.map_err(|error| match error.is_transient() {
                true => SourceError::Interrupted(error.to_string()),
                false => SourceError::Failed(error.to_string()),
            })
        })
    }
}

/// No network: only what is on disk can be read.
pub struct Offline;

impl Source for Offline {
    fn open<'a>(&'a self, _: &'a Resource, _: Range<u64>) -> BoxFuture<'a, Result<Box<dyn Body>, SourceError>> {
        Box::pin(async { Err(SourceError::Failed("photosfs was told to stay offline".into())) })
    }

    fn hope(&self) -> Hope {
        Hope::None
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Photos(#[from] PhotosError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the service has asked to be left alone for a while")]
    Resting,
}

impl FetchError {
    fn reached(&self) -> Reached {
        match self {
            FetchError::Http(error) => error.reached(),
            FetchError::Photos(error) => error.reached(),
            FetchError::Resting => Reached::Answer,
        }
    }
}

impl Transient for FetchError {
    fn verdict(&self) -> Verdict {
        match self {
            FetchError::Photos(error) => error.verdict(),
            FetchError::Http(error) => error.verdict(),
            FetchError::Resting => Verdict::Stop,
        }
    }
}
