# The sign-in service of web/auth. It takes the look of the client, so the client's sources come along.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /src
COPY web/auth/package.json web/auth/package-lock.json web/auth/
RUN cd web/auth && npm ci --no-audit --no-fund
COPY web/src/base.css web/src/base.css
COPY web/dist/assets/ web/dist/assets/
COPY web/public/icon.svg web/public/icon.svg
COPY web/auth/ web/auth/
RUN cd web/auth && npm run build && npm prune --omit=dev

FROM node:20.20.2-bookworm-slim
WORKDIR /app
COPY --from=build /src/web/auth/package.json ./
COPY --from=build /src/web/auth/node_modules/ node_modules/
COPY --from=build /src/web/auth/dist/ dist/
COPY --from=build /src/web/auth/migrations/ migrations/
USER node
ENTRYPOINT ["node", "dist/main.js"]
