DROP INDEX refresh_tokens_unused;
