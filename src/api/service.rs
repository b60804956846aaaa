//! Who is refused where only configured services may ask: 401 with a challenge of its own, as no access token would help.

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};

use super::Error;
use crate::{
    http::problem,
    token::{Tokens, service::Service},
};

impl FromRequest for Service {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let tokens = request.app_data::<web::Data<Tokens>>();
        let service = tokens.and_then(|tokens| Self::of(request.headers(), tokens.services()));
        std::future::ready(service.ok_or_else(|| Error::of(&problem::NOT_A_SERVICE)))
    }
}
