DROP TABLE denied_tokens;
