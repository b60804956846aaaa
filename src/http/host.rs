//! Refuses requests for another host than ours with 421.
//!
//! A name that an attacker controls can be made to resolve to this machine (DNS rebinding); the attacker's page would then be
//! of the same origin as our answers. The `Host` header still carries the attacker's name. Health checks come from
//! machines that know an address only, and say nothing worth stealing: they are let through.

use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap},
    middleware::Next,
    web,
};

use super::origin::Site;

/// The layer.
pub async fn only_ours<B: MessageBody + 'static>(
    site: web::Data<Site>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let named = match request.uri().authority() {
        Some(authority) => site.answers_to(authority.as_str()),
        None => host(request.headers()).is_some_and(|host| site.answers_to(host)),
    };
    if named || matches!(request.path(), "/healthz" | "/readyz") {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let refusal = HttpResponse::MisdirectedRequest()
        .content_type("text/plain; charset=utf-8")
        .body(format!("This server answers for {} only.\n", site.host()));
    Ok(request.into_response(refusal).map_into_right_body())
}

/// The one `Host` header; several of them are as good as none.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST);
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}
