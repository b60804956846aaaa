//! Real HTTP without any convenience: no cookie jar, no redirects followed, one connection pool for all tests.

use std::net::SocketAddr;

use reqwest::header::HeaderMap;

/// Names and values.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("visible"))
    }

    /// Every `Set-Cookie` line.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("visible")).collect()
    }

    /// The `Set-Cookie` line of one cookie.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        self.set_cookies().into_iter().find(|line| line.starts_with(&format!("{name}=")))
    }

    /// What the `Set-Cookie` line of one cookie says after its value, sorted; nothing if there is no such line.
    pub fn cookie_attributes(&self, name: &str) -> Vec<&str> {
        let mut attributes: Vec<&str> =
            self.set_cookie(name).unwrap_or_default().split(';').skip(1).map(str::trim).collect();
        attributes.sort_unstable();
        attributes
    }

    /// The value that the `Set-Cookie` line of one cookie gives it.
    pub fn cookie_value(&self, name: &str) -> &str {
        let line = self.set_cookie(name).unwrap_or_else(|| panic!("no cookie {name}: {self:?}"));
        line[name.len() + 1..].split(';').next().expect("a value")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The problem's code.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        self.json()["code"].as_str().expect("a code").to_owned()
    }

    /// How many SQL statements `Server-Timing` counted.
    pub fn statements(&self) -> u32 {
        let timing = self.header("server-timing");
        let count = timing.split("desc=\"").nth(1).and_then(|rest| rest.split(' ').next());
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count in {timing:?}"))
    }
}

/// Sends one request. Status 0 is no answer, for the reason that is its body.
pub async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: Headers<'_>,
    body: impl Into<reqwest::Body>,
) -> Answer {
    // A client is bound to the runtime that made it, and every test has its own.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let method = method.parse().expect("a method");
    let mut request = client.request(method, format!("http://{address}{path}")).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answered = match request.send().await {
        Ok(response) => {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            response.text().await.map(|body| Answer { status, headers, body })
        }
        Err(error) => Err(error),
    };
    answered.unwrap_or_else(|error| Answer { status: 0, headers: HeaderMap::new(), body: format!("{error:?}") })
}
