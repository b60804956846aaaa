//! Who sent a request: the users of the token scheme as handlers take them, and this world's way to refuse everybody else.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};

use super::{Error, access_cookie};
use crate::{
    http::problem,
    token::{
        CookieTokenUser, FreshTokenAdmin, FreshTokenUser, LiveCookieTokenUser, LiveTokenAdmin, LiveTokenUser,
        TokenUser, Tokens, authenticate::NotAuthenticated,
    },
};

impl FromRequest for TokenUser {
    type Error = Error;
    type Future = Check;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user = token_user(request);
        match tokens(request) {
            Ok(tokens) if tokens.always_live() => {
                let tokens = tokens.clone();
                Check::Live(Box::pin(async move { Ok(LiveTokenUser::check(user?, &tokens).await?.into()) }))
            }
            _ => Check::Claims(std::future::ready(user)),
        }
    }
}

/// Finds out who sent a request: already known, unless `TOKEN_CHECK=live` has the database asked.
pub enum Check {
    /// The claims were all there is to check.
    Claims(std::future::Ready<Result<TokenUser, Error>>),
    /// The database is being asked.
    Live(Pin<Box<dyn Future<Output = Result<TokenUser, Error>>>>),
}

impl Future for Check {
    type Output = Result<TokenUser, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Claims(known) => Pin::new(known).poll(context),
            Self::Live(asked) => asked.as_mut().poll(context),
        }
    }
}

impl FromRequest for LiveTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (user, tokens) = (token_user(request), tokens(request).cloned());
        Box::pin(async move { Ok(Self::check(user?, &*tokens?).await?) })
    }
}

impl FromRequest for FreshTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let live = LiveTokenUser::from_request(request, payload);
        Box::pin(async move { Ok(Self::check(live.await?)?) })
    }
}

impl FromRequest for LiveTokenAdmin {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let live = LiveTokenUser::from_request(request, payload);
        Box::pin(async move { Ok(Self::check(live.await?)?) })
    }
}

impl FromRequest for FreshTokenAdmin {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let admin = LiveTokenAdmin::from_request(request, payload);
        Box::pin(async move { Ok(Self::check(admin.await?)?) })
    }
}

impl FromRequest for CookieTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (user, tokens) = (cookie_token_user(request), tokens(request).cloned());
        Box::pin(async move {
            let (user, tokens) = (user?, tokens?);
            if tokens.always_live() { Ok(Self(LiveTokenUser::check(user.0, &tokens).await?.into())) } else { Ok(user) }
        })
    }
}

impl FromRequest for LiveCookieTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (user, tokens) = (cookie_token_user(request), tokens(request).cloned());
        Box::pin(async move { Ok(Self(LiveTokenUser::check(user?.0, &*tokens?).await?)) })
    }
}

fn cookie_token_user(request: &HttpRequest) -> Result<CookieTokenUser, Error> {
    let cookie = access_cookie::presented(request)?;
    CookieTokenUser::of(cookie.as_deref(), tokens(request)?).map_err(|error| match error {
        NotAuthenticated::Missing => Error::with(
            &problem::NOT_AUTHENTICATED,
            "This route reads the access cookie only, which POST /api/auth/login sets with \"deliver\": \"cookie\".",
        ),
        error => error.into(),
    })
}

fn token_user(request: &HttpRequest) -> Result<TokenUser, Error> {
    Ok(TokenUser::of(request, tokens(request)?)?)
}

fn tokens(request: &HttpRequest) -> Result<&web::Data<Tokens>, Error> {
    request.app_data().ok_or_else(|| Error::internal("the token scheme is not set up".to_owned()))
}
